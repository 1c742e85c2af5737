/* A stand-in for libbithuman_brain: the words it hears and the replies it gives tell what it was given. */
#include "../../native/brain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef FAKE_ABI
#define FAKE_ABI BITHUMAN_BRAIN_ABI
#endif

static int heard;

int32_t bithuman_brain_abi(void) { return FAKE_ABI; }
const char *bithuman_brain_versions(void) { return "fake 1"; }
const char *bithuman_brain_lacking(void) {
#ifdef FAKE_LACKING
    return FAKE_LACKING;
#else
    return NULL;
#endif
}

bithuman_brain_whisper *bithuman_brain_whisper_open(const char *path, char *error, size_t size) {
    (void)path, (void)error, (void)size;
    return malloc(1);
}
void bithuman_brain_whisper_close(bithuman_brain_whisper *whisper) { free(whisper); }
int32_t bithuman_brain_whisper_is_multilingual(const bithuman_brain_whisper *whisper) {
    (void)whisper;
    return 0;
}
int32_t bithuman_brain_whisper_knows(const char *language) {
    return strcmp(language, "en") == 0 || strcmp(language, "de") == 0;
}

static void say(bithuman_brain_text text, void *user, const char *words) { text(user, words, strlen(words)); }

/* Loud samples are work without an end. */
int32_t bithuman_brain_whisper_hear(bithuman_brain_whisper *whisper, const float *samples, size_t length,
                                    const char *language, int32_t threads, bithuman_brain_stop stop,
                                    bithuman_brain_text text, void *user, char *error, size_t size) {
    char words[64];
    (void)whisper, (void)threads;
    if (length > 0 && samples[0] == 1.0f) {
        while (!stop(user)) {
        }
        return BITHUMAN_BRAIN_STOPPED;
    }
    if (length > 0 && samples[0] == -1.0f) {
        snprintf(error, size, "out of ideas");
        return BITHUMAN_BRAIN_FAILED;
    }
    snprintf(words, sizeof words, "[sigh] call %d in %s", ++heard, language);
    say(text, user, words);
    return BITHUMAN_BRAIN_OK;
}

bithuman_brain_model *bithuman_brain_model_open(const char *path, char *error, size_t size) {
    if (strstr(path, "refused") != NULL) {
        snprintf(error, size, "it has no chat template");
        return NULL;
    }
    return malloc(1);
}
void bithuman_brain_model_close(bithuman_brain_model *model) { free(model); }

bithuman_brain_chat *bithuman_brain_chat_open(bithuman_brain_model *model, int32_t context, int32_t threads,
                                              char *error, size_t size) {
    (void)model, (void)context, (void)threads, (void)error, (void)size;
    return malloc(1);
}
void bithuman_brain_chat_close(bithuman_brain_chat *chat) { free(chat); }

/* A token is a character. */
int32_t bithuman_brain_chat_count(bithuman_brain_chat *chat, const bithuman_brain_message *messages, size_t count,
                                  char *error, size_t size) {
    size_t total = 0;
    (void)chat, (void)error, (void)size;
    for (size_t i = 0; i < count; i++) {
        total += strlen(messages[i].text);
    }
    return (int32_t)total;
}

/* "How many": the messages and the first after the instructions; "Story": words without an end; "Functions": what the
 * instructions tell of; "Wave": words and a call; the result of a function: the same result as words. */
int32_t bithuman_brain_chat_reply(bithuman_brain_chat *chat, const bithuman_brain_message *messages, size_t count,
                                  bithuman_brain_reply *reply, bithuman_brain_stop stop, bithuman_brain_text text,
                                  void *user, char *error, size_t size) {
    const char *last = messages[count - 1].text;
    char words[4096];
    (void)chat, (void)error, (void)size;
    reply->prompt_tokens = bithuman_brain_chat_count(chat, messages, count, error, size);
    if (reply->max_tokens == 0) {
        return BITHUMAN_BRAIN_OK;
    }
    if (strstr(last, "Story") != NULL) {
        while (!stop(user)) {
            say(text, user, "And then they went on and on. ");
        }
        return BITHUMAN_BRAIN_STOPPED;
    }
    if (strstr(last, "Functions") != NULL) {
        const char *told = strstr(messages[0].text, "<tools>");
        snprintf(words, sizeof words, "I know %d.", told == NULL ? 0 : strstr(told, "end_call") != NULL ? 2 : 1);
        say(text, user, words);
        return BITHUMAN_BRAIN_OK;
    }
    if (strstr(last, "Wave") != NULL) {
        say(text, user, "Hello, my good friend! <tool_ca");
        say(text, user, "ll>{\"name\": \"perform\", \"arguments\": {\"gesture\": \"wave\"}}</tool_call>");
        return BITHUMAN_BRAIN_OK;
    }
    if (strstr(last, "Weather") != NULL) {
        say(text, user, "<tool_call>{\"name\": \"weather\", \"arguments\": {\"city\": \"Ulm\"}}</tool_call>");
        return BITHUMAN_BRAIN_OK;
    }
    if (strncmp(last, "<tool_response>", 15) == 0) {
        snprintf(words, sizeof words, "It tells %.*s.", (int)strcspn(last + 16, "\n"), last + 16);
        say(text, user, words);
        return BITHUMAN_BRAIN_OK;
    }
    snprintf(words, sizeof words, "%d messages, and the first is %.20s gr\xc3\xbc\xc3\x9f dich. Last: %.40s.", (int)count,
             messages[1].text, last);
    for (size_t i = 0; words[i] != 0; i++) {
        text(user, words + i, 1);
    }
    return BITHUMAN_BRAIN_LIMIT;
}

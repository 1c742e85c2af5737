/* The C interface of libbithuman_brain: speech to text by whisper.cpp and chat by llama.cpp, both on
 * one ggml.
 *
 * Strings are UTF-8 and end with NUL; `text` gets bytes with a length, which may be part of a
 * character. Each handle is used by one thread at a time; a model may be shared by the chats of
 * several threads. No C++ exception leaves the library. `stop` is asked between steps of the work, and
 * other than 0 ends it.
 */
#ifndef BITHUMAN_BRAIN_H
#define BITHUMAN_BRAIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised by one for any change of what is below. */
#define BITHUMAN_BRAIN_ABI 1

enum {
    /* The work was done. */
    BITHUMAN_BRAIN_OK = 0,
    /* `stop` asked for it. */
    BITHUMAN_BRAIN_STOPPED = 1,
    /* The reply reached its limit of tokens. */
    BITHUMAN_BRAIN_LIMIT = 2,
    /* It failed; `error` says how. */
    BITHUMAN_BRAIN_FAILED = -1,
};

/* A message of a conversation. */
typedef struct bithuman_brain_message {
    /* "system", "user" or "assistant". */
    const char *role;
    const char *text;
} bithuman_brain_message;

/* Settings of a reply. */
typedef struct bithuman_brain_reply {
    /* Most tokens. 0 only reads the conversation, so that the next reply begins sooner. */
    int32_t max_tokens;
    /* 0 takes the likeliest token always. */
    float temperature;
    int32_t top_k;
    float repeat_penalty;
    uint32_t seed;
    /* Written: tokens of the prompt, those of them that were kept from before, and tokens made. */
    int32_t prompt_tokens;
    int32_t kept_tokens;
    int32_t made_tokens;
} bithuman_brain_reply;

typedef struct bithuman_brain_whisper bithuman_brain_whisper;
typedef struct bithuman_brain_model bithuman_brain_model;
typedef struct bithuman_brain_chat bithuman_brain_chat;

typedef int32_t (*bithuman_brain_stop)(void *user);
typedef void (*bithuman_brain_text)(void *user, const char *bytes, size_t length);

/* BITHUMAN_BRAIN_ABI of the library. */
int32_t bithuman_brain_abi(void);
/* The versions inside, such as "whisper.cpp 1.8.3, llama.cpp 0.6.0, ggml 0.26.0". */
const char *bithuman_brain_versions(void);
/* NULL, or the instructions that this processor lacks. */
const char *bithuman_brain_lacking(void);

/* Opens a model of whisper.cpp's format. NULL: `error` says why. */
bithuman_brain_whisper *bithuman_brain_whisper_open(const char *path, char *error, size_t error_size);
void bithuman_brain_whisper_close(bithuman_brain_whisper *whisper);
/* Whether the model knows other languages than English. */
int32_t bithuman_brain_whisper_is_multilingual(const bithuman_brain_whisper *whisper);
/* Whether whisper.cpp knows a language by this code. */
int32_t bithuman_brain_whisper_knows(const char *language);
/* The words in 16 kHz mono samples. */
int32_t bithuman_brain_whisper_hear(bithuman_brain_whisper *whisper, const float *samples, size_t length,
                                    const char *language, int32_t threads, bithuman_brain_stop stop,
                                    bithuman_brain_text text, void *user, char *error, size_t error_size);

/* Opens a GGUF file. NULL: `error` says why. */
bithuman_brain_model *bithuman_brain_model_open(const char *path, char *error, size_t error_size);
void bithuman_brain_model_close(bithuman_brain_model *model);

/* Begins a conversation with room for `context` tokens. The model has to outlive it. */
bithuman_brain_chat *bithuman_brain_chat_open(bithuman_brain_model *model, int32_t context, int32_t threads,
                                              char *error, size_t error_size);
void bithuman_brain_chat_close(bithuman_brain_chat *chat);
/* Tokens of the messages in the model's template with the beginning of a reply; negative: `error`. */
int32_t bithuman_brain_chat_count(bithuman_brain_chat *chat, const bithuman_brain_message *messages,
                                  size_t count, char *error, size_t error_size);
/* Replies to the messages. What they have in common with the last call is not computed again. */
int32_t bithuman_brain_chat_reply(bithuman_brain_chat *chat, const bithuman_brain_message *messages,
                                  size_t count, bithuman_brain_reply *reply, bithuman_brain_stop stop,
                                  bithuman_brain_text text, void *user, char *error, size_t error_size);

#ifdef __cplusplus
}
#endif

#endif

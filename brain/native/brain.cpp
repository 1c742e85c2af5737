// The C interface over whisper.cpp and llama.cpp. Nothing is decided here that the Rust side can
// decide: which turns fit, where clauses end, which threads there are.

#include "brain.h"

#include "llama.h"
#include "whisper.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#if defined(_WIN32)
#define EXPORT extern "C" __declspec(dllexport)
#else
#define EXPORT extern "C" __attribute__((visibility("default")))
#endif

namespace {

void say(char *error, size_t size, const std::string &message) {
    if (error != nullptr && size > 0) {
        std::snprintf(error, size, "%s", message.c_str());
    }
}

// Runs `act`; an exception becomes `failed` and a message.
template <typename T, typename F> T guarded(T failed, char *error, size_t size, F act) {
    try {
        return act();
    } catch (const std::exception &e) {
        say(error, size, e.what());
    } catch (...) {
        say(error, size, "an unknown exception");
    }
    return failed;
}

// The last complaint of the libraries, which say why a file is refused in their log alone.
std::mutex complaint_lock;
std::string complaint;

void hear_log(ggml_log_level level, const char *text, void *) {
    if (level != GGML_LOG_LEVEL_ERROR || text == nullptr) {
        return;
    }
    try {
        std::string line(text);
        while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) {
            line.pop_back();
        }
        std::lock_guard<std::mutex> lock(complaint_lock);
        // The first of several is the cause, the others follow from it.
        if (complaint.empty()) {
            complaint = line;
        }
    } catch (...) {
    }
}

void begin() {
    static std::once_flag once;
    std::call_once(once, [] {
        llama_log_set(hear_log, nullptr);
        whisper_log_set(hear_log, nullptr);
        llama_backend_init();
    });
    std::lock_guard<std::mutex> lock(complaint_lock);
    complaint.clear();
}

std::string take_complaint(const char *otherwise) {
    std::lock_guard<std::mutex> lock(complaint_lock);
    return complaint.empty() ? std::string(otherwise) : complaint;
}

struct Stop {
    bithuman_brain_stop ask;
    void *user;
    bool asked = false;

    bool now() {
        asked = asked || (ask != nullptr && ask(user) != 0);
        return asked;
    }
};

bool stop_now(void *stop) { return static_cast<Stop *>(stop)->now(); }

} // namespace

EXPORT int32_t bithuman_brain_abi(void) { return BITHUMAN_BRAIN_ABI; }

EXPORT const char *bithuman_brain_versions(void) {
    return "whisper.cpp " BRAIN_WHISPER_VERSION ", llama.cpp " BRAIN_LLAMA_VERSION ", ggml " BRAIN_GGML_VERSION;
}

EXPORT const char *bithuman_brain_lacking(void) {
#if defined(BRAIN_X86_64_V3)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi2") ||
        !__builtin_cpu_supports("f16c")) {
        return "AVX2, FMA, BMI2 or F16C";
    }
#endif
    return nullptr;
}

struct bithuman_brain_whisper {
    whisper_context *context = nullptr;
    whisper_state *state = nullptr;

    ~bithuman_brain_whisper() {
        if (state != nullptr) {
            whisper_free_state(state);
        }
        if (context != nullptr) {
            whisper_free(context);
        }
    }
};

EXPORT bithuman_brain_whisper *bithuman_brain_whisper_open(const char *path, char *error, size_t error_size) {
    using Handle = bithuman_brain_whisper;
    return guarded<Handle *>(nullptr, error, error_size, [&]() -> Handle * {
        begin();
        auto whisper = std::make_unique<Handle>();
        whisper_context_params params = whisper_context_default_params();
        params.use_gpu = false;
        whisper->context = whisper_init_from_file_with_params_no_state(path, params);
        if (whisper->context != nullptr) {
            whisper->state = whisper_init_state(whisper->context);
        }
        if (whisper->state == nullptr) {
            say(error, error_size, take_complaint("whisper.cpp can't read it"));
            return nullptr;
        }
        return whisper.release();
    });
}

EXPORT void bithuman_brain_whisper_close(bithuman_brain_whisper *whisper) { delete whisper; }

EXPORT int32_t bithuman_brain_whisper_is_multilingual(const bithuman_brain_whisper *whisper) {
    return whisper_is_multilingual(whisper->context) != 0;
}

EXPORT int32_t bithuman_brain_whisper_knows(const char *language) { return whisper_lang_id(language) >= 0; }

// Tokens by which a text has begun anew.
static constexpr int REPEATED = 6;

// Ends the text where it begins anew behind a sentence: in windows that end with the utterance, Whisper may say the
// same until it may say no more.
static void end_repetitions(whisper_context *context, whisper_state *, const whisper_token_data *tokens, int count,
                            float *logits, void *) {
    if (count < 2 * REPEATED) {
        return;
    }
    const whisper_token_data *tail = tokens + count - REPEATED;
    for (int i = 0; i < REPEATED; i++) {
        if (tail[i].id != tokens[i].id) {
            return;
        }
    }
    const std::string before = whisper_token_to_str(context, tail[-1].id);
    if (before.find_first_of(".!?") == std::string::npos) {
        return;
    }
    std::fill_n(logits, whisper_n_vocab(context), -INFINITY);
    logits[whisper_token_eot(context)] = 0.0f;
}

EXPORT int32_t bithuman_brain_whisper_hear(bithuman_brain_whisper *whisper, const float *samples, size_t length,
                                           const char *language, int32_t threads, bithuman_brain_stop stop,
                                           bithuman_brain_text text, void *user, char *error, size_t error_size) {
    return guarded<int32_t>(BITHUMAN_BRAIN_FAILED, error, error_size, [&]() -> int32_t {
        begin();
        Stop asked{stop, user};
        whisper_full_params params = whisper_full_default_params(WHISPER_SAMPLING_GREEDY);
        params.n_threads = std::max(1, threads);
        params.language = language;
        params.no_context = true;
        params.no_timestamps = true;
        params.print_progress = false;
        params.print_realtime = false;
        params.print_timestamps = false;
        params.print_special = false;
        params.suppress_nst = true;
        params.greedy.best_of = 1;
        // Without retries at higher temperatures, which cost seconds for what is no speech.
        params.temperature_inc = 0.0f;
        // The encoder's time grows with its window, 30 s by default: 50 steps a second, and some more.
        const double seconds = static_cast<double>(length) / WHISPER_SAMPLE_RATE;
        if (seconds < 27.0) {
            params.audio_ctx = std::min(whisper_model_n_audio_ctx(whisper->context),
                                        (static_cast<int>(seconds * 50.0) + 128) / 8 * 8);
        }
        // A token takes 60 ms of speech and more: words repeated for ever end here.
        params.max_tokens = seconds < 27.0 ? 24 + static_cast<int>(seconds * 16.0) : 0;
        params.logits_filter_callback = end_repetitions;
        params.abort_callback = stop_now;
        params.abort_callback_user_data = &asked;
        const int failed =
            whisper_full_with_state(whisper->context, whisper->state, params, samples, static_cast<int>(length));
        if (asked.asked) {
            return BITHUMAN_BRAIN_STOPPED;
        }
        if (failed != 0) {
            say(error, error_size, take_complaint("whisper.cpp failed"));
            return BITHUMAN_BRAIN_FAILED;
        }
        for (int i = 0; i < whisper_full_n_segments_from_state(whisper->state); i++) {
            if (whisper_full_get_segment_no_speech_prob_from_state(whisper->state, i) > 0.8f) {
                continue;
            }
            const std::string words = whisper_full_get_segment_text_from_state(whisper->state, i);
            text(user, words.data(), words.size());
        }
        return BITHUMAN_BRAIN_OK;
    });
}

struct bithuman_brain_model {
    llama_model *model = nullptr;

    ~bithuman_brain_model() {
        if (model != nullptr) {
            llama_model_free(model);
        }
    }
};

EXPORT bithuman_brain_model *bithuman_brain_model_open(const char *path, char *error, size_t error_size) {
    using Handle = bithuman_brain_model;
    return guarded<Handle *>(nullptr, error, error_size, [&]() -> Handle * {
        begin();
        auto model = std::make_unique<Handle>();
        llama_model_params params = llama_model_default_params();
        params.n_gpu_layers = 0;
        model->model = llama_model_load_from_file(path, params);
        if (model->model == nullptr) {
            say(error, error_size, take_complaint("llama.cpp can't read it"));
            return nullptr;
        }
        if (!llama_model_has_decoder(model->model)) {
            say(error, error_size, "it is no model that writes text");
            return nullptr;
        }
        if (llama_model_chat_template(model->model, nullptr) == nullptr) {
            say(error, error_size, "it has no chat template: take a model made for conversations (\"instruct\")");
            return nullptr;
        }
        return model.release();
    });
}

EXPORT void bithuman_brain_model_close(bithuman_brain_model *model) { delete model; }

struct bithuman_brain_chat {
    llama_model *model = nullptr;
    const llama_vocab *vocab = nullptr;
    llama_context *context = nullptr;
    // The tokens whose keys and values the context holds.
    std::vector<llama_token> held;

    ~bithuman_brain_chat() {
        if (context != nullptr) {
            llama_free(context);
        }
    }

    std::vector<llama_token> prompt(const bithuman_brain_message *messages, size_t count) const {
        std::vector<llama_chat_message> chat;
        size_t bytes = 256;
        for (size_t i = 0; i < count; i++) {
            chat.push_back({messages[i].role, messages[i].text});
            bytes += 64 + 2 * std::char_traits<char>::length(messages[i].text);
        }
        const char *form = llama_model_chat_template(model, nullptr);
        std::vector<char> text(bytes);
        int32_t length = llama_chat_apply_template(form, chat.data(), chat.size(), true, text.data(),
                                                   static_cast<int32_t>(text.size()));
        if (length > static_cast<int32_t>(text.size())) {
            text.resize(static_cast<size_t>(length));
            length = llama_chat_apply_template(form, chat.data(), chat.size(), true, text.data(), length);
        }
        if (length < 0) {
            throw std::runtime_error("its chat template is of a kind that llama.cpp doesn't know");
        }
        std::vector<llama_token> tokens(static_cast<size_t>(length) + 16);
        const bool begins = llama_vocab_get_add_bos(vocab);
        int32_t made = llama_tokenize(vocab, text.data(), length, tokens.data(), static_cast<int32_t>(tokens.size()),
                                      begins, true);
        if (made < 0) {
            tokens.resize(static_cast<size_t>(-made));
            made = llama_tokenize(vocab, text.data(), length, tokens.data(), -made, begins, true);
        }
        if (made <= 0) {
            throw std::runtime_error("the conversation can't be cut into tokens");
        }
        tokens.resize(static_cast<size_t>(made));
        return tokens;
    }

    // The context forgets all beyond its first `count` tokens.
    void forget_after(size_t count) {
        if (!llama_memory_seq_rm(llama_get_memory(context), 0, static_cast<llama_pos>(count), -1)) {
            // Recurrent models keep one state alone.
            llama_memory_clear(llama_get_memory(context), true);
            count = 0;
        }
        held.resize(count);
    }

    // Computes tokens in batches; false if it failed or was stopped.
    bool compute(const llama_token *tokens, size_t count, Stop &asked) {
        constexpr size_t most = 128;
        for (size_t done = 0; done < count;) {
            if (asked.now()) {
                return false;
            }
            const size_t n = std::min(most, count - done);
            std::vector<llama_token> part(tokens + done, tokens + done + n);
            if (llama_decode(context, llama_batch_get_one(part.data(), static_cast<int32_t>(n))) != 0) {
                // The part may be in the context by half.
                forget_after(held.size());
                return false;
            }
            held.insert(held.end(), part.begin(), part.end());
            done += n;
        }
        return true;
    }
};

EXPORT bithuman_brain_chat *bithuman_brain_chat_open(bithuman_brain_model *model, int32_t context, int32_t threads,
                                                     char *error, size_t error_size) {
    using Handle = bithuman_brain_chat;
    return guarded<Handle *>(nullptr, error, error_size, [&]() -> Handle * {
        begin();
        auto chat = std::make_unique<Handle>();
        chat->model = model->model;
        chat->vocab = llama_model_get_vocab(model->model);
        llama_context_params params = llama_context_default_params();
        params.n_ctx = static_cast<uint32_t>(std::max(256, context));
        params.n_batch = 128;
        params.n_ubatch = 128;
        params.n_threads = std::max(1, threads);
        params.n_threads_batch = std::max(1, threads);
        params.no_perf = true;
        chat->context = llama_init_from_model(model->model, params);
        if (chat->context == nullptr) {
            say(error, error_size, take_complaint("llama.cpp has no memory for a conversation"));
            return nullptr;
        }
        return chat.release();
    });
}

EXPORT void bithuman_brain_chat_close(bithuman_brain_chat *chat) { delete chat; }

EXPORT int32_t bithuman_brain_chat_count(bithuman_brain_chat *chat, const bithuman_brain_message *messages,
                                         size_t count, char *error, size_t error_size) {
    return guarded<int32_t>(BITHUMAN_BRAIN_FAILED, error, error_size,
                            [&] { return static_cast<int32_t>(chat->prompt(messages, count).size()); });
}

EXPORT int32_t bithuman_brain_chat_reply(bithuman_brain_chat *chat, const bithuman_brain_message *messages,
                                         size_t count, bithuman_brain_reply *reply, bithuman_brain_stop stop,
                                         bithuman_brain_text text, void *user, char *error, size_t error_size) {
    return guarded<int32_t>(BITHUMAN_BRAIN_FAILED, error, error_size, [&]() -> int32_t {
        begin();
        Stop asked{stop, user};
        const std::vector<llama_token> prompt = chat->prompt(messages, count);
        const size_t room = llama_n_ctx(chat->context);
        if (prompt.size() + static_cast<size_t>(std::max(1, reply->max_tokens)) > room) {
            say(error, error_size, "the conversation is longer than the context");
            return BITHUMAN_BRAIN_FAILED;
        }
        size_t common = 0;
        // The last token is always computed: its probabilities are those of the first word.
        while (common < chat->held.size() && common + 1 < prompt.size() && chat->held[common] == prompt[common]) {
            common++;
        }
        chat->forget_after(common);
        common = chat->held.size();
        reply->prompt_tokens = static_cast<int32_t>(prompt.size());
        reply->kept_tokens = static_cast<int32_t>(common);
        reply->made_tokens = 0;
        // Only while this call lasts does the context know `asked`.
        struct Ask {
            llama_context *context;
            Ask(llama_context *c, Stop &stop) : context(c) { llama_set_abort_callback(c, stop_now, &stop); }
            ~Ask() { llama_set_abort_callback(context, nullptr, nullptr); }
        } ask(chat->context, asked);
        const auto ended = [&]() -> int32_t {
            if (asked.asked) {
                return BITHUMAN_BRAIN_STOPPED;
            }
            say(error, error_size, take_complaint("llama.cpp failed"));
            return BITHUMAN_BRAIN_FAILED;
        };
        if (!chat->compute(prompt.data() + common, prompt.size() - common, asked)) {
            return ended();
        }
        std::unique_ptr<llama_sampler, decltype(&llama_sampler_free)> sampler(
            llama_sampler_chain_init(llama_sampler_chain_default_params()), llama_sampler_free);
        const auto add = [&](llama_sampler *link) { llama_sampler_chain_add(sampler.get(), link); };
        add(llama_sampler_init_penalties(llama_vocab_n_tokens(chat->vocab), 64, reply->repeat_penalty, 0.0f, 0.0f));
        if (reply->temperature > 0.0f) {
            add(llama_sampler_init_top_k(reply->top_k));
            add(llama_sampler_init_temp(reply->temperature));
            add(llama_sampler_init_dist(reply->seed));
        } else {
            add(llama_sampler_init_greedy());
        }
        std::vector<char> piece(256);
        while (reply->made_tokens < reply->max_tokens) {
            const llama_token token = llama_sampler_sample(sampler.get(), chat->context, -1);
            if (llama_vocab_is_eog(chat->vocab, token)) {
                return BITHUMAN_BRAIN_OK;
            }
            int32_t length = llama_token_to_piece(chat->vocab, token, piece.data(), static_cast<int32_t>(piece.size()),
                                                  0, false);
            if (length < 0) {
                piece.resize(static_cast<size_t>(-length));
                length = llama_token_to_piece(chat->vocab, token, piece.data(), -length, 0, false);
            }
            if (length > 0) {
                text(user, piece.data(), static_cast<size_t>(length));
            }
            reply->made_tokens++;
            if (!chat->compute(&token, 1, asked)) {
                return ended();
            }
        }
        return reply->max_tokens == 0 ? BITHUMAN_BRAIN_OK : BITHUMAN_BRAIN_LIMIT;
    });
}

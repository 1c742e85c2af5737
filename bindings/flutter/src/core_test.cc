// The native core against the real library: `core_test TESTDATA`. Run plain, under AddressSanitizer and under ThreadSanitizer by
// `cargo xtask bindings flutter`.

#include "bithuman_core.h"

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

#define CHECK(condition)                                                             \
  do {                                                                               \
    if (!(condition)) {                                                              \
      std::fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
      std::exit(1);                                                                  \
    }                                                                                \
  } while (0)

std::string testdata;

uint64_t hash(const uint8_t *bytes, size_t count) {
  uint64_t value = 14695981039346656037u;
  for (size_t at = 0; at < count; ++at) value = (value ^ bytes[at]) * 1099511628211u;
  return value;
}

struct Speech {
  std::vector<float> samples;
  uint32_t rate_hz = 0;

  explicit Speech(size_t seconds) {
    essence_audio_reader *reader = nullptr;
    const std::string path = testdata + "/audio/speech_16000.wav";
    CHECK(essence_audio_reader_open(path.c_str(), &reader, nullptr) == ESSENCE_OK);
    essence_audio_info info = ESSENCE_AUDIO_INFO_INIT;
    CHECK(essence_audio_reader_describe(reader, &info, nullptr) == ESSENCE_OK);
    rate_hz = info.rate_hz;
    samples.resize(seconds * rate_hz);
    size_t filled = 0, count = 0;
    while (filled < samples.size() &&
           essence_audio_reader_read(reader, &samples[filled], samples.size() - filled, &count, nullptr) == ESSENCE_OK)
      filled += count;
    CHECK(filled == samples.size());
    essence_audio_reader_destroy(reader);
  }

  void push(essence_session *session) const {
    CHECK(essence_session_push_audio_f32(session, samples.data(), samples.size(), rate_hz, 1, nullptr) == ESSENCE_OK);
  }
};

essence_avatar *open(const char *name) {
  essence_engine *engine = nullptr;
  essence_engine_options options = ESSENCE_ENGINE_OPTIONS_INIT;
  options.provider = ESSENCE_PROVIDER_BUILTIN;
  CHECK(essence_engine_create(&options, &engine, nullptr) == ESSENCE_OK);
  essence_avatar *avatar = nullptr;
  const std::string path = testdata + "/avatars/" + name;
  CHECK(essence_avatar_open(engine, path.c_str(), &avatar, nullptr) == ESSENCE_OK);
  essence_engine_destroy(engine);
  return avatar;
}

essence_session *unpaced(essence_avatar *avatar) {
  essence_session_options options = ESSENCE_SESSION_OPTIONS_INIT;
  options.pacing = ESSENCE_PACING_UNPACED;
  essence_session *session = nullptr;
  CHECK(essence_session_create(avatar, &options, &session, nullptr) == ESSENCE_OK);
  return session;
}

bithuman_stage *stage_of(essence_session *session, uint32_t format, uint32_t premultiply = 0) {
  bithuman_stage *stage = nullptr;
  CHECK(bithuman_stage_create(session, format, premultiply, &stage, nullptr) == ESSENCE_OK);
  return stage;
}

// Pictures as the library itself draws them.
std::vector<std::vector<uint8_t>> reference(essence_avatar *avatar, const Speech &speech, essence_pixel_format format) {
  essence_session *session = unpaced(avatar);
  essence_session_info about = ESSENCE_SESSION_INFO_INIT;
  CHECK(essence_session_describe(session, &about, nullptr) == ESSENCE_OK);
  speech.push(session);
  CHECK(essence_session_flush(session, nullptr) == ESSENCE_OK);
  essence_frame *frame = nullptr;
  CHECK(essence_frame_create(&frame, nullptr) == ESSENCE_OK);
  std::vector<std::vector<uint8_t>> pictures;
  for (;;) {
    std::vector<uint8_t> pixels(essence_picture_bytes(format, about.frame_width, about.frame_height));
    essence_picture picture = ESSENCE_PICTURE_INIT;
    CHECK(essence_picture_wrap(format, about.frame_width, about.frame_height, pixels.data(), pixels.size(), &picture, nullptr) ==
          ESSENCE_OK);
    if (essence_session_next_frame(session, frame, &picture, nullptr, nullptr) != ESSENCE_OK) break;
    pictures.push_back(pixels);
  }
  essence_frame_destroy(frame);
  essence_session_destroy(session);
  return pictures;
}

void count_up(void *user_data) { ++*static_cast<std::atomic<int> *>(user_data); }

void pictures_are_those_of_the_library(essence_avatar *avatar, const Speech &speech) {
  const auto expected = reference(avatar, speech, ESSENCE_PIXEL_FORMAT_BGRA8);
  CHECK(expected.size() > 20);
  essence_session *session = unpaced(avatar);
  bithuman_stage *stage = stage_of(session, ESSENCE_PIXEL_FORMAT_BGRA8);
  CHECK(bithuman_stage_session(stage) == session);
  std::atomic<int> told{0};
  bithuman_stage_listen(stage, count_up, &told);
  const uint8_t *pixels = nullptr;
  uint32_t width = 0, height = 0;
  size_t stride = 0;
  CHECK(!bithuman_stage_picture(stage, &pixels, &width, &height, &stride));
  speech.push(session);
  essence_session_flush(session, nullptr);
  essence_frame *frame = nullptr;
  CHECK(essence_frame_create(&frame, nullptr) == ESSENCE_OK);
  size_t drawn = 0;
  essence_frame_info info = ESSENCE_FRAME_INFO_INIT;
  while (bithuman_stage_draw(stage, frame, drawn % 2 ? 1'000'000 : 0, &info, nullptr) == ESSENCE_OK) {
    CHECK(bithuman_stage_picture(stage, &pixels, &width, &height, &stride));
    CHECK(drawn < expected.size() && stride * height == expected[drawn].size());
    CHECK(!std::memcmp(pixels, expected[drawn].data(), expected[drawn].size()));
    // Rows as far apart as a platform wants them, and a smaller place than the picture.
    const size_t wide = stride + 64;
    std::vector<uint8_t> copy(wide * height, 7);
    CHECK(bithuman_stage_copy(stage, copy.data(), wide, width, height - 1));
    CHECK(!std::memcmp(&copy[wide], pixels + stride, stride));
    CHECK(copy[stride] == 7 && copy[wide * (height - 1)] == 7);
    ++drawn;
  }
  CHECK(drawn == expected.size() && told == static_cast<int>(drawn));
  CHECK(!bithuman_stage_copy(stage, nullptr, stride, width, height));
  std::vector<uint8_t> narrow(8);
  CHECK(!bithuman_stage_copy(stage, narrow.data(), 8, width, 1));

  const uint64_t id = bithuman_stage_id(stage);
  bithuman_stage *again = bithuman_stage_find(id);
  CHECK(again == stage);
  bithuman_stage_abandon(again);
  bithuman_stage_close(stage);
  CHECK(!bithuman_stage_find(id) && !bithuman_stage_find(id + 1) && !bithuman_stage_find(0));
  essence_error err = ESSENCE_ERROR_INIT;
  CHECK(bithuman_stage_draw(stage, frame, 0, &info, &err) == ESSENCE_ERR_CANCELLED && err.message[0]);
  // Undoing a cancellation does not open the stage again.
  essence_session_restart_clock(session, nullptr);
  CHECK(bithuman_stage_draw(stage, frame, 0, &info, nullptr) == ESSENCE_ERR_CANCELLED);
  // The last picture stays for a screen that is still composing.
  CHECK(bithuman_stage_picture(stage, &pixels, &width, &height, &stride));
  CHECK(hash(pixels, stride * height) == hash(expected.back().data(), expected.back().size()));
  essence_frame_destroy(frame);
  bithuman_stage_release(stage);
}

void without_a_surface_frames_hold_pictures(essence_avatar *avatar, const Speech &speech) {
  const auto expected = reference(avatar, speech, ESSENCE_PIXEL_FORMAT_BGR8);
  essence_session *session = unpaced(avatar);
  bithuman_stage *stage = stage_of(session, BITHUMAN_NO_SURFACE);
  speech.push(session);
  essence_session_flush(session, nullptr);
  essence_frame *frame = nullptr;
  CHECK(essence_frame_create(&frame, nullptr) == ESSENCE_OK);
  essence_frame_info info = ESSENCE_FRAME_INFO_INIT;
  size_t drawn = 0;
  while (bithuman_stage_draw(stage, frame, 0, &info, nullptr) == ESSENCE_OK)
    CHECK(!std::memcmp(info.planes[0], expected[drawn].data(), expected[drawn].size()) && ++drawn);
  CHECK(drawn == expected.size());
  const uint8_t *pixels = nullptr;
  uint32_t width = 0, height = 0;
  size_t stride = 0;
  CHECK(!bithuman_stage_picture(stage, &pixels, &width, &height, &stride));
  essence_frame_destroy(frame);
  bithuman_stage_abandon(stage);
}

// One thread draws, one composes: each picture that is shown is whole, and none comes before one that was shown.
void shown_pictures_never_tear(essence_avatar *avatar, const Speech &speech) {
  std::vector<uint64_t> expected;
  for (const auto &picture : reference(avatar, speech, ESSENCE_PIXEL_FORMAT_RGBA8))
    expected.push_back(hash(picture.data(), picture.size()));
  essence_session *session = unpaced(avatar);
  bithuman_stage *stage = stage_of(session, ESSENCE_PIXEL_FORMAT_RGBA8);
  speech.push(session);
  essence_session_flush(session, nullptr);
  std::atomic<bool> done{false};
  bithuman_stage_retain(stage);
  std::thread drawer([&, stage] {
    essence_frame *frame = nullptr;
    CHECK(essence_frame_create(&frame, nullptr) == ESSENCE_OK);
    essence_frame_info info = ESSENCE_FRAME_INFO_INIT;
    while (bithuman_stage_draw(stage, frame, 0, &info, nullptr) == ESSENCE_OK) {
    }
    essence_frame_destroy(frame);
    bithuman_stage_release(stage);
    done = true;
  });
  size_t from = 0, shown = 0;
  for (bool last = false; !last;) {
    last = done;
    const uint8_t *pixels = nullptr;
    uint32_t width = 0, height = 0;
    size_t stride = 0;
    if (!bithuman_stage_picture(stage, &pixels, &width, &height, &stride)) continue;
    const uint64_t found = hash(pixels, stride * height);
    while (from < expected.size() && expected[from] != found) ++from;
    CHECK(from < expected.size());
    ++shown;
  }
  drawer.join();
  CHECK(shown > 0 && expected[from] == expected.back());
  bithuman_stage_abandon(stage);
}

void alpha_is_multiplied_once() {
  essence_avatar *avatar = open("toy_keyed.imx");
  const Speech speech(1);
  const auto straight = reference(avatar, speech, ESSENCE_PIXEL_FORMAT_RGBA8);
  essence_session *session = unpaced(avatar);
  bithuman_stage *stage = stage_of(session, ESSENCE_PIXEL_FORMAT_RGBA8, 1);
  speech.push(session);
  essence_session_flush(session, nullptr);
  essence_frame *frame = nullptr;
  CHECK(essence_frame_create(&frame, nullptr) == ESSENCE_OK);
  size_t drawn = 0, transparent = 0;
  essence_frame_info info = ESSENCE_FRAME_INFO_INIT;
  while (bithuman_stage_draw(stage, frame, 0, &info, nullptr) == ESSENCE_OK) {
    const uint8_t *pixels = nullptr;
    uint32_t width = 0, height = 0;
    size_t stride = 0;
    CHECK(bithuman_stage_picture(stage, &pixels, &width, &height, &stride));
    for (size_t at = 0; at < stride * height; ++at) {
      const unsigned alpha = straight[drawn][at / 4 * 4 + 3];
      const unsigned value = straight[drawn][at];
      CHECK(pixels[at] == (at % 4 == 3 ? alpha : (value * alpha + 127) / 255));
      transparent += at % 4 == 3 && alpha < 255;
    }
    ++drawn;
  }
  CHECK(drawn == straight.size() && transparent > 0);
  essence_frame_destroy(frame);
  bithuman_stage_abandon(stage);
  essence_avatar_release(avatar);
}

struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  int count = 0;

  static void pass(void *user_data) {
    auto *gate = static_cast<Gate *>(user_data);
    std::lock_guard<std::mutex> lock(gate->mutex);
    ++gate->count;
    gate->changed.notify_all();
  }

  void wait(int until) {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return count >= until; });
  }
};

void a_stage_draws_by_itself() {
  const std::string path = testdata + "/avatars/toy.imx";
  essence_error err = ESSENCE_ERROR_INIT;
  bithuman_stage *stage = nullptr;
  CHECK(bithuman_stage_open(path.c_str(), ESSENCE_PIXEL_FORMAT_RGBA8, &stage, &err) == ESSENCE_OK && err.status == ESSENCE_OK);
  uint32_t width = 0, height = 0;
  bithuman_stage_size(stage, &width, &height);
  CHECK(width > 0 && height > 0);
  {
    Gate gate;
    bithuman_stage_listen(stage, Gate::pass, &gate);
    gate.wait(3);
    bithuman_stage_listen(stage, nullptr, nullptr);
  }
  // Closing while it draws: the listener's memory is gone right after.
  auto *gate = new Gate;
  bithuman_stage_listen(stage, Gate::pass, gate);
  gate->wait(2);
  bithuman_stage_close(stage);
  delete gate;
  CHECK(bithuman_stage_failure(stage, &err) == ESSENCE_OK);
  bithuman_stage_release(stage);

  CHECK(bithuman_stage_open("nowhere.imx", ESSENCE_PIXEL_FORMAT_RGBA8, &stage, &err) == ESSENCE_ERR_NOT_FOUND);
  const std::string text = testdata + "/README.md";
  CHECK(bithuman_stage_open(text.c_str(), ESSENCE_PIXEL_FORMAT_RGBA8, &stage, &err) == ESSENCE_ERR_INVALID_AVATAR);
  CHECK(!std::strcmp(bithuman_channel_code(err.status), "MODEL_REJECTED") && err.message[0]);
  CHECK(bithuman_stage_open(path.c_str(), ESSENCE_PIXEL_FORMAT_I420, &stage, &err) == ESSENCE_ERR_INVALID_ARGUMENT);
  CHECK(bithuman_stage_open(nullptr, ESSENCE_PIXEL_FORMAT_RGBA8, &stage, nullptr) == ESSENCE_ERR_INVALID_ARGUMENT);
}

void many_come_and_go(essence_avatar *avatar) {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([avatar] {
      const std::vector<int16_t> sound(4000, 900);
      for (int round = 0; round < 25; ++round) {
        essence_session *session = nullptr;
        CHECK(essence_session_create(avatar, nullptr, &session, nullptr) == ESSENCE_OK);
        bithuman_stage *stage = stage_of(session, ESSENCE_PIXEL_FORMAT_BGRA8);
        std::atomic<int> told{0};
        bithuman_stage_listen(stage, count_up, &told);
        bithuman_stage_retain(stage);
        std::thread drawer([stage] {
          essence_frame *frame = nullptr;
          CHECK(essence_frame_create(&frame, nullptr) == ESSENCE_OK);
          essence_frame_info info = ESSENCE_FRAME_INFO_INIT;
          while (bithuman_stage_draw(stage, frame, 10'000'000'000, &info, nullptr) >= 0) {
          }
          essence_frame_destroy(frame);
          bithuman_stage_release(stage);
        });
        CHECK(essence_session_push_audio_i16(session, sound.data(), sound.size(), 16000, 1, nullptr) == ESSENCE_OK);
        if (round % 2) essence_session_interrupt(session, nullptr);
        bithuman_stage_close(stage);
        const int before = told;
        bithuman_stage_release(stage);
        drawer.join();
        CHECK(told == before);
      }
    });
  for (auto &thread : threads) thread.join();
}

// Sound of the method channel is the same sound.
void bytes_are_samples(essence_avatar *avatar) {
  const std::vector<int16_t> sound = {-32768, -2, -1, 0, 1, 257, 32767};
  std::vector<uint8_t> bytes(1);
  for (int round = 0; round < 400; ++round)
    for (const int16_t sample : sound) {
      bytes.push_back(static_cast<uint8_t>(sample & 255));
      bytes.push_back(static_cast<uint8_t>(sample >> 8 & 255));
    }
  bithuman_stage *stage = stage_of(unpaced(avatar), BITHUMAN_NO_SURFACE);
  CHECK(bithuman_stage_push_bytes(stage, bytes.data(), 3, nullptr) == ESSENCE_ERR_INVALID_ARGUMENT);
  CHECK(bithuman_stage_push_bytes(stage, nullptr, 0, nullptr) == ESSENCE_OK);
  CHECK(bithuman_stage_push_bytes(stage, &bytes[1], bytes.size() - 1, nullptr) == ESSENCE_OK);
  essence_session_flush(bithuman_stage_session(stage), nullptr);
  essence_frame *frame = nullptr;
  CHECK(essence_frame_create(&frame, nullptr) == ESSENCE_OK);
  size_t heard = 0;
  essence_frame_info info = ESSENCE_FRAME_INFO_INIT;
  while (bithuman_stage_draw(stage, frame, 0, &info, nullptr) == ESSENCE_OK)
    for (size_t at = 0; at < info.audio_samples; ++at, ++heard) CHECK(info.audio_i16[at] == sound[heard % sound.size()]);
  CHECK(heard == 400 * sound.size());
  essence_frame_destroy(frame);
  bithuman_stage_abandon(stage);
}

void quiet_sound_is_silence() {
  std::vector<uint8_t> loud = {0, 64, 0, 192, 0, 64};
  const auto kept = loud;
  bithuman_gate(loud.data(), loud.size(), 0.49f);
  CHECK(loud == kept);
  bithuman_gate(loud.data(), loud.size(), 0.51f);
  CHECK(loud == std::vector<uint8_t>(6));
  bithuman_gate(nullptr, 0, 1);
}

void the_log_never_grows() {
  bithuman_log *log = bithuman_log_create();
  bithuman_log_retain(log);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([log] {
      for (int count = 0; count < 200; ++count) bithuman_log_write(log, ESSENCE_LOG_LEVEL_WARN, "words and more", 5);
    });
  for (auto &thread : threads) thread.join();
  int messages = 0;
  essence_log_level level = 0;
  while (char *message = bithuman_log_next(log, &level)) {
    CHECK(level == ESSENCE_LOG_LEVEL_WARN && !std::strcmp(message, "words"));
    bithuman_free(message);
    ++messages;
  }
  CHECK(messages == BITHUMAN_LOG_WAITING);
  bithuman_log_release(log);
  bithuman_log_write(log, ESSENCE_LOG_LEVEL_WARN, "words", 5);
  bithuman_log_release(log);
  bithuman_log_release(nullptr);
}

// A drawer that never waits for a frame is woken by sound, by others and by the end.
void a_drawer_is_woken(essence_avatar *avatar, const Speech &speech) {
  const size_t expected = reference(avatar, speech, ESSENCE_PIXEL_FORMAT_BGRA8).size();
  essence_session *session = unpaced(avatar);
  bithuman_stage *stage = stage_of(session, ESSENCE_PIXEL_FORMAT_BGRA8);
  std::atomic<size_t> drawn{0};
  Gate gate;
  bithuman_stage_listen(stage, Gate::pass, &gate);
  bithuman_stage_retain(stage);
  std::thread drawer([&drawn, stage] {
    essence_frame *frame = nullptr;
    CHECK(essence_frame_create(&frame, nullptr) == ESSENCE_OK);
    essence_frame_info info = ESSENCE_FRAME_INFO_INIT;
    for (;;) {
      const essence_status status = bithuman_stage_draw(stage, frame, 0, &info, nullptr);
      if (status < 0) break;
      if (status == ESSENCE_OK) ++drawn;
      if (status == ESSENCE_AGAIN) bithuman_stage_wait(stage, 10'000'000'000);
    }
    essence_frame_destroy(frame);
    bithuman_stage_release(stage);
  });
  speech.push(session);
  essence_session_flush(session, nullptr);
  gate.wait(static_cast<int>(expected));
  bithuman_stage_close(stage);
  drawer.join();
  CHECK(drawn == expected);
  bithuman_stage_release(stage);
}

void every_status_has_a_code() {
  CHECK(!std::strcmp(bithuman_channel_code(ESSENCE_ERR_INVALID_ARGUMENT), "BAD_ARGS"));
  CHECK(!std::strcmp(bithuman_channel_code(ESSENCE_ERR_CANCELLED), "load_cancelled"));
  CHECK(!std::strcmp(bithuman_channel_code(ESSENCE_ERR_PROVIDER_UNAVAILABLE), "unsupported"));
  CHECK(!std::strcmp(bithuman_channel_code(-12345), "load_failed"));
  CHECK(std::strstr(bithuman_engine_version(), " (ABI 1)"));
}

}  // namespace

int main(int count, char **arguments) {
  if (count != 2) return 2;
  testdata = arguments[1];
  essence_avatar *avatar = open("toy.imx");
  const Speech speech(3);
  pictures_are_those_of_the_library(avatar, speech);
  without_a_surface_frames_hold_pictures(avatar, speech);
  shown_pictures_never_tear(avatar, speech);
  alpha_is_multiplied_once();
  a_stage_draws_by_itself();
  many_come_and_go(avatar);
  a_drawer_is_woken(avatar, speech);
  bytes_are_samples(avatar);
  quiet_sound_is_silence();
  the_log_never_grows();
  every_status_has_a_code();
  essence_avatar_release(avatar);
  std::puts("core: 11 passed, 0 failed");
  return 0;
}

// The plugin's native core; bithuman_core.h says what it does.

#include "bithuman_core.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <iterator>
#include <map>
#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr size_t kBytesPerPixel = 4;
constexpr uint32_t kChannelRateHz = 16000;
// A thread that waits for a frame looks at least this often whether its stage was closed.
constexpr uint64_t kLookAroundNs = 100'000'000;

essence_status fail(essence_error *err, essence_status status, const char *message) {
  // A struct of an older header may be shorter than the one that is known here.
  if (err && err->struct_size >= sizeof(essence_error)) {
    err->status = status;
    std::snprintf(err->message, sizeof err->message, "%s", message);
  }
  return status;
}

void succeed(essence_error *err) { fail(err, ESSENCE_OK, ""); }

// Three pictures: one is drawn, one is the newest, one is shown. Drawing never waits for showing, and what is shown never tears.
class Surface {
 public:
  Surface(essence_pixel_format format, bool premultiply, uint32_t width, uint32_t height)
      : format_(format), premultiply_(premultiply), width_(width), height_(height) {
    for (auto &picture : pictures_) picture.resize(stride() * height_);
  }

  size_t stride() const { return width_ * kBytesPerPixel; }

  // The buffer to draw into: the drawing thread's until publish().
  essence_picture drawn() {
    essence_picture picture = ESSENCE_PICTURE_INIT;
    picture.format = format_;
    picture.width = width_;
    picture.height = height_;
    picture.planes[0] = pictures_[drawn_].data();
    picture.strides[0] = stride();
    return picture;
  }

  void publish() {
    if (premultiply_) premultiply(pictures_[drawn_]);
    std::lock_guard<std::mutex> lock(mutex_);
    std::swap(drawn_, newest_);
    fresh_ = true;
  }

  // The newest picture; stays until the next call.
  const uint8_t *shown() {
    std::lock_guard<std::mutex> lock(mutex_);
    if (fresh_) {
      std::swap(shown_, newest_);
      fresh_ = false;
      any_ = true;
    }
    return any_ ? pictures_[shown_].data() : nullptr;
  }

 private:
  static void premultiply(std::vector<uint8_t> &pixels) {
    for (size_t at = 0; at < pixels.size(); at += kBytesPerPixel) {
      const uint32_t alpha = pixels[at + 3];
      if (alpha == 255) continue;
      for (size_t channel = at; channel < at + 3; ++channel)
        pixels[channel] = static_cast<uint8_t>((pixels[channel] * alpha + 127) / 255);
    }
  }

  const essence_pixel_format format_;
  const bool premultiply_;
  const uint32_t width_, height_;
  std::vector<uint8_t> pictures_[3];
  std::mutex mutex_;
  size_t drawn_ = 0, newest_ = 1, shown_ = 2;
  bool fresh_ = false, any_ = false;
};

std::mutex &stages_mutex() {
  static std::mutex mutex;
  return mutex;
}

std::map<uint64_t, bithuman_stage *> &stages() {
  static std::map<uint64_t, bithuman_stage *> all;
  return all;
}

}  // namespace

struct bithuman_stage {
  std::atomic<uint32_t> references{1};
  std::atomic<bool> closed{false};
  essence_session *session = nullptr;
  uint64_t id = 0;
  uint32_t width = 0, height = 0;
  Surface *surface = nullptr;
  // Drawing is for one thread at a time.
  std::mutex drawing;
  std::mutex listening;
  bithuman_picture_fn listener = nullptr;
  void *listener_data = nullptr;
  std::mutex waiting;
  std::condition_variable woken;
  bool awake = false;
  std::mutex failing;
  essence_error failure = ESSENCE_ERROR_INIT;

  ~bithuman_stage() {
    // Once this returns, nothing wakes this stage any more.
    if (session) essence_session_set_wakeup(session, nullptr, nullptr, nullptr, nullptr);
    essence_session_destroy(session);
    delete surface;
  }

  void tell() {
    std::lock_guard<std::mutex> lock(listening);
    if (listener && !closed) listener(listener_data);
  }
};

struct bithuman_log {
  std::atomic<uint32_t> references{1};
  std::mutex mutex;
  std::deque<std::pair<essence_log_level, std::string>> waiting;
};

void *bithuman_alloc(size_t bytes) { return std::calloc(bytes ? bytes : 1, 1); }

void bithuman_free(void *memory) { std::free(memory); }

essence_status bithuman_stage_create(essence_session *session, uint32_t format, uint32_t premultiply,
                                     bithuman_stage **out, essence_error *err) {
  if (!session || !out) return fail(err, ESSENCE_ERR_INVALID_ARGUMENT, "a session and a place for the stage are needed");
  const bool draws = format != BITHUMAN_NO_SURFACE;
  if (draws && format != ESSENCE_PIXEL_FORMAT_RGBA8 && format != ESSENCE_PIXEL_FORMAT_BGRA8)
    return fail(err, ESSENCE_ERR_INVALID_ARGUMENT, "a surface is RGBA8 or BGRA8");
  essence_session_info info = ESSENCE_SESSION_INFO_INIT;
  if (const essence_status status = essence_session_describe(session, &info, err)) return status;
  bithuman_stage *stage = nullptr;
  try {
    stage = new bithuman_stage;
    stage->width = info.frame_width;
    stage->height = info.frame_height;
    if (draws) stage->surface = new Surface(format, premultiply != 0, info.frame_width, info.frame_height);
    static std::atomic<uint64_t> last{0};
    stage->id = ++last;
    stage->session = session;
    std::lock_guard<std::mutex> lock(stages_mutex());
    stages()[stage->id] = stage;
  } catch (const std::bad_alloc &) {
    // The session stays the caller's.
    if (stage) stage->session = nullptr;
    delete stage;
    return fail(err, ESSENCE_ERR_LIMIT_EXCEEDED, "there is no memory for the stage's pictures");
  }
  essence_session_set_wakeup(
      session, [](void *user_data) { bithuman_stage_wake(static_cast<bithuman_stage *>(user_data)); }, stage, nullptr, nullptr);
  *out = stage;
  succeed(err);
  return ESSENCE_OK;
}

namespace {

// The loop of a stage's own thread, which holds a reference.
void draw_until_closed(bithuman_stage *stage) {
  essence_error err = ESSENCE_ERROR_INIT;
  essence_frame *frame = nullptr;
  essence_status status = essence_frame_create(&frame, &err);
  while (status >= 0) {
    essence_frame_info info = ESSENCE_FRAME_INFO_INIT;
    status = bithuman_stage_draw(stage, frame, kLookAroundNs, &info, &err);
  }
  if (!stage->closed) {
    std::lock_guard<std::mutex> lock(stage->failing);
    stage->failure = err;
  }
  essence_frame_destroy(frame);
  bithuman_stage_release(stage);
}

essence_status open_session(const char *path, essence_session **session, bool *matte, essence_error *err) {
  essence_engine *engine = nullptr;
  essence_status status = essence_engine_create(nullptr, &engine, err);
  if (status) return status;
  essence_avatar *avatar = nullptr;
  status = essence_avatar_open(engine, path, &avatar, err);
  essence_engine_destroy(engine);
  if (status) return status;
  essence_avatar_info info = ESSENCE_AVATAR_INFO_INIT;
  status = essence_avatar_describe(avatar, &info, err);
  *matte = info.has_matte != 0;
  if (!status) status = essence_session_create(avatar, nullptr, session, err);
  essence_avatar_release(avatar);
  return status;
}

}  // namespace

essence_status bithuman_stage_open(const char *path, uint32_t format, bithuman_stage **out, essence_error *err) {
  if (!path || !out) return fail(err, ESSENCE_ERR_INVALID_ARGUMENT, "a path and a place for the stage are needed");
  essence_session *session = nullptr;
  bool matte = false;
  essence_status status = open_session(path, &session, &matte, err);
  if (status) return status;
  bithuman_stage *stage = nullptr;
  status = bithuman_stage_create(session, format, matte, &stage, err);
  if (status) {
    essence_session_destroy(session);
    return status;
  }
  bithuman_stage_retain(stage);
  try {
    std::thread(draw_until_closed, stage).detach();
  } catch (const std::exception &error) {
    bithuman_stage_release(stage);
    bithuman_stage_abandon(stage);
    return fail(err, ESSENCE_ERR_LIMIT_EXCEEDED, error.what());
  }
  *out = stage;
  return ESSENCE_OK;
}

void bithuman_stage_retain(bithuman_stage *stage) {
  if (stage) stage->references.fetch_add(1, std::memory_order_relaxed);
}

void bithuman_stage_release(bithuman_stage *stage) {
  if (!stage) return;
  {
    // bithuman_stage_find() must not meet a stage whose last reference is gone.
    std::lock_guard<std::mutex> lock(stages_mutex());
    if (stage->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    stages().erase(stage->id);
  }
  delete stage;
}

void bithuman_stage_abandon(bithuman_stage *stage) {
  bithuman_stage_close(stage);
  bithuman_stage_release(stage);
}

uint64_t bithuman_stage_id(const bithuman_stage *stage) { return stage->id; }

bithuman_stage *bithuman_stage_find(uint64_t id) {
  std::lock_guard<std::mutex> lock(stages_mutex());
  const auto found = stages().find(id);
  if (found == stages().end() || found->second->closed) return nullptr;
  bithuman_stage_retain(found->second);
  return found->second;
}

essence_session *bithuman_stage_session(const bithuman_stage *stage) { return stage->session; }

namespace {

int16_t sample_at(const uint8_t *bytes) { return static_cast<int16_t>(bytes[0] | bytes[1] << 8); }

}  // namespace

void bithuman_gate(uint8_t *bytes, size_t count, float threshold) {
  double sum = 0;
  for (size_t at = 0; at + 1 < count; at += 2) {
    const double value = sample_at(bytes + at) / 32768.0;
    sum += value * value;
  }
  if (count >= 2 && std::sqrt(sum / static_cast<double>(count / 2)) < threshold) std::memset(bytes, 0, count);
}

essence_status bithuman_stage_push_bytes(bithuman_stage *stage, const uint8_t *bytes, size_t count, essence_error *err) {
  if (count % 2 || (count && !bytes)) return fail(err, ESSENCE_ERR_INVALID_ARGUMENT, "sound is 16-bit samples");
  // Bytes of a message lie anywhere.
  int16_t piece[1024];
  for (size_t at = 0; at < count;) {
    const size_t samples = std::min((count - at) / 2, std::size(piece));
    for (size_t i = 0; i < samples; ++i, at += 2) piece[i] = sample_at(bytes + at);
    if (const auto status = essence_session_push_audio_i16(stage->session, piece, samples, kChannelRateHz, 1, err)) return status;
  }
  succeed(err);
  return ESSENCE_OK;
}

essence_status bithuman_stage_draw(bithuman_stage *stage, essence_frame *frame, uint64_t timeout_ns, essence_frame_info *info,
                                   essence_error *err) {
  std::lock_guard<std::mutex> lock(stage->drawing);
  if (stage->closed) return fail(err, ESSENCE_ERR_CANCELLED, "the stage is closed");
  essence_picture picture = ESSENCE_PICTURE_INIT;
  const essence_picture *into = nullptr;
  if (stage->surface) {
    picture = stage->surface->drawn();
    into = &picture;
  }
  const essence_status status =
      timeout_ns ? essence_session_next_frame_within(stage->session, frame, into, info, timeout_ns, err)
                 : essence_session_try_next_frame(stage->session, frame, into, info, err);
  if (status != ESSENCE_OK) return status;
  if (stage->surface) {
    stage->surface->publish();
    stage->tell();
  }
  return status;
}

void bithuman_stage_wait(bithuman_stage *stage, uint64_t timeout_ns) {
  std::unique_lock<std::mutex> lock(stage->waiting);
  const auto woken = [stage] { return stage->awake; };
  stage->woken.wait_for(lock, std::chrono::nanoseconds(timeout_ns < kLookAroundNs ? timeout_ns : kLookAroundNs), woken);
  stage->awake = false;
}

void bithuman_stage_wake(bithuman_stage *stage) {
  std::lock_guard<std::mutex> lock(stage->waiting);
  stage->awake = true;
  stage->woken.notify_all();
}

void bithuman_stage_listen(bithuman_stage *stage, bithuman_picture_fn callback, void *user_data) {
  std::lock_guard<std::mutex> lock(stage->listening);
  stage->listener = callback;
  stage->listener_data = user_data;
}

int32_t bithuman_stage_picture(bithuman_stage *stage, const uint8_t **pixels, uint32_t *width, uint32_t *height,
                               size_t *stride) {
  const uint8_t *shown = stage->surface ? stage->surface->shown() : nullptr;
  if (!shown) return 0;
  *pixels = shown;
  *width = stage->width;
  *height = stage->height;
  *stride = stage->surface->stride();
  return 1;
}

int32_t bithuman_stage_copy(bithuman_stage *stage, uint8_t *pixels, size_t stride, uint32_t width, uint32_t height) {
  const uint8_t *from = nullptr;
  uint32_t own_width = 0, own_height = 0;
  size_t own_stride = 0;
  if (!pixels || !bithuman_stage_picture(stage, &from, &own_width, &own_height, &own_stride)) return 0;
  const size_t row = kBytesPerPixel * (width < own_width ? width : own_width);
  if (row > stride) return 0;
  const uint32_t rows = height < own_height ? height : own_height;
  for (uint32_t y = 0; y < rows; ++y) std::memcpy(pixels + y * stride, from + y * own_stride, row);
  return 1;
}

void bithuman_stage_size(const bithuman_stage *stage, uint32_t *width, uint32_t *height) {
  *width = stage->width;
  *height = stage->height;
}

essence_status bithuman_stage_failure(const bithuman_stage *stage, essence_error *err) {
  auto *own = const_cast<bithuman_stage *>(stage);
  std::lock_guard<std::mutex> lock(own->failing);
  return fail(err, own->failure.status, own->failure.message);
}

void bithuman_stage_close(bithuman_stage *stage) {
  if (!stage || stage->closed.exchange(true)) return;
  essence_session_cancel(stage->session, nullptr);
  bithuman_stage_wake(stage);
  bithuman_stage_listen(stage, nullptr, nullptr);
}

const char *bithuman_channel_code(essence_status status) {
  switch (status) {
    case ESSENCE_ERR_INVALID_ARGUMENT:
      return "BAD_ARGS";
    case ESSENCE_ERR_INVALID_AVATAR:
    case ESSENCE_ERR_UNSUPPORTED_FORMAT:
    case ESSENCE_ERR_UNSUPPORTED_VERSION:
      return "MODEL_REJECTED";
    case ESSENCE_ERR_CANCELLED:
      return "load_cancelled";
    case ESSENCE_ERR_PROVIDER_UNAVAILABLE:
      return "unsupported";
    default:
      return "load_failed";
  }
}

const char *bithuman_engine_version(void) {
  static const std::string version =
      std::string(essence_version()) + " (ABI " + std::to_string(essence_abi_version() >> 16) + ")";
  return version.c_str();
}

bithuman_log *bithuman_log_create(void) { return new (std::nothrow) bithuman_log; }

void bithuman_log_retain(bithuman_log *log) { log->references.fetch_add(1, std::memory_order_relaxed); }

void bithuman_log_release(void *user_data) {
  auto *log = static_cast<bithuman_log *>(user_data);
  if (log && log->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete log;
}

void bithuman_log_write(void *user_data, essence_log_level level, const char *message, size_t length) {
  auto *log = static_cast<bithuman_log *>(user_data);
  std::lock_guard<std::mutex> lock(log->mutex);
  if (log->waiting.size() >= BITHUMAN_LOG_WAITING) return;
  try {
    log->waiting.emplace_back(level, std::string(message, length));
  } catch (const std::bad_alloc &) {
    // A message less is no reason to fail.
  }
}

char *bithuman_log_next(bithuman_log *log, essence_log_level *level) {
  std::lock_guard<std::mutex> lock(log->mutex);
  if (log->waiting.empty()) return nullptr;
  const auto &[of, text] = log->waiting.front();
  auto *message = static_cast<char *>(bithuman_alloc(text.size() + 1));
  if (!message) return nullptr;
  std::memcpy(message, text.data(), text.size());
  *level = of;
  log->waiting.pop_front();
  return message;
}

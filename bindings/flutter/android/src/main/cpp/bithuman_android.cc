// Kotlin's way to a stage: pictures into a surface's window, sound out of byte arrays.

#include <android/native_window.h>
#include <android/native_window_jni.h>
#include <jni.h>

#include <mutex>
#include <vector>

#include "bithuman_core.h"

namespace {

struct Shown {
  bithuman_stage *stage;
  std::mutex mutex;
  ANativeWindow *window = nullptr;

  explicit Shown(bithuman_stage *of) : stage(of) {}

  // From the thread that draws.
  void draw() {
    std::lock_guard<std::mutex> lock(mutex);
    ANativeWindow_Buffer buffer;
    if (!window || ANativeWindow_lock(window, &buffer, nullptr)) return;
    bithuman_stage_copy(stage, static_cast<uint8_t *>(buffer.bits), static_cast<size_t>(buffer.stride) * 4,
                        static_cast<uint32_t>(buffer.width), static_cast<uint32_t>(buffer.height));
    ANativeWindow_unlockAndPost(window);
  }

  // `next`: one reference is this object's from now on.
  void show_in(ANativeWindow *next) {
    uint32_t width = 0, height = 0;
    bithuman_stage_size(stage, &width, &height);
    std::lock_guard<std::mutex> lock(mutex);
    if (window) ANativeWindow_release(window);
    window = next;
    if (window)
      ANativeWindow_setBuffersGeometry(window, static_cast<int32_t>(width), static_cast<int32_t>(height),
                                       WINDOW_FORMAT_RGBA_8888);
  }
};

Shown *shown(jlong handle) { return reinterpret_cast<Shown *>(handle); }

// `stage`: one reference is the result's from now on.
jlong show(bithuman_stage *stage) {
  auto *own = new Shown(stage);
  bithuman_stage_listen(stage, [](void *data) { static_cast<Shown *>(data)->draw(); }, own);
  return reinterpret_cast<jlong>(own);
}

// Throws Kotlin's StageException; true if there was an error.
bool thrown(JNIEnv *env, essence_status status, const essence_error &error) {
  if (status >= 0) return false;
  jclass kind = env->FindClass("ai/bithuman/flutter/StageException");
  if (!kind) return true;
  jmethodID init = env->GetMethodID(kind, "<init>", "(Ljava/lang/String;Ljava/lang/String;)V");
  jstring code = env->NewStringUTF(bithuman_channel_code(status));
  jstring message = env->NewStringUTF(error.message);
  if (init && code && message) env->Throw(static_cast<jthrowable>(env->NewObject(kind, init, code, message)));
  return true;
}

}  // namespace

extern "C" {

JNIEXPORT jstring JNICALL Java_ai_bithuman_flutter_Stage_version(JNIEnv *env, jclass) {
  return env->NewStringUTF(bithuman_engine_version());
}

JNIEXPORT jlong JNICALL Java_ai_bithuman_flutter_Stage_attach(JNIEnv *, jclass, jlong id) {
  bithuman_stage *stage = bithuman_stage_find(static_cast<uint64_t>(id));
  return stage ? show(stage) : 0;
}

JNIEXPORT jlong JNICALL Java_ai_bithuman_flutter_Stage_open(JNIEnv *env, jclass, jbyteArray path) {
  // UTF-8 from Kotlin: Java's own encoding of strings is another one.
  std::vector<char> text(static_cast<size_t>(env->GetArrayLength(path)) + 1);
  env->GetByteArrayRegion(path, 0, static_cast<jsize>(text.size() - 1), reinterpret_cast<jbyte *>(text.data()));
  essence_error error = ESSENCE_ERROR_INIT;
  bithuman_stage *stage = nullptr;
  const essence_status status = bithuman_stage_open(text.data(), ESSENCE_PIXEL_FORMAT_RGBA8, &stage, &error);
  return thrown(env, status, error) ? 0 : show(stage);
}

JNIEXPORT jlong JNICALL Java_ai_bithuman_flutter_Stage_size(JNIEnv *, jclass, jlong handle) {
  uint32_t width = 0, height = 0;
  bithuman_stage_size(shown(handle)->stage, &width, &height);
  return static_cast<jlong>(width) << 32 | static_cast<jlong>(height);
}

JNIEXPORT void JNICALL Java_ai_bithuman_flutter_Stage_showIn(JNIEnv *env, jclass, jlong handle, jobject surface) {
  shown(handle)->show_in(surface ? ANativeWindow_fromSurface(env, surface) : nullptr);
}

JNIEXPORT void JNICALL Java_ai_bithuman_flutter_Stage_push(JNIEnv *env, jclass, jlong handle, jbyteArray pcm) {
  std::vector<uint8_t> bytes(static_cast<size_t>(env->GetArrayLength(pcm)));
  env->GetByteArrayRegion(pcm, 0, static_cast<jsize>(bytes.size()), reinterpret_cast<jbyte *>(bytes.data()));
  essence_error error = ESSENCE_ERROR_INIT;
  thrown(env, bithuman_stage_push_bytes(shown(handle)->stage, bytes.data(), bytes.size(), &error), error);
}

JNIEXPORT void JNICALL Java_ai_bithuman_flutter_Stage_interrupt(JNIEnv *env, jclass, jlong handle) {
  essence_error error = ESSENCE_ERROR_INIT;
  thrown(env, essence_session_interrupt(bithuman_stage_session(shown(handle)->stage), &error), error);
}

JNIEXPORT void JNICALL Java_ai_bithuman_flutter_Stage_close(JNIEnv *, jclass, jlong handle) {
  Shown *own = shown(handle);
  bithuman_stage_close(own->stage);
  own->show_in(nullptr);
  bithuman_stage_release(own->stage);
  delete own;
}

JNIEXPORT void JNICALL Java_ai_bithuman_flutter_Stage_gate(JNIEnv *env, jclass, jbyteArray pcm, jfloat threshold) {
  jbyte *bytes = env->GetByteArrayElements(pcm, nullptr);
  if (!bytes) return;
  bithuman_gate(reinterpret_cast<uint8_t *>(bytes), static_cast<size_t>(env->GetArrayLength(pcm)), threshold);
  env->ReleaseByteArrayElements(pcm, bytes, 0);
}

}  // extern "C"

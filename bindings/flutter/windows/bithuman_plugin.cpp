// Flutter on Windows: textures of stages, and the method channel.

#include "include/bithuman/bithuman_plugin_c_api.h"

#include <flutter/method_channel.h>
#include <flutter/plugin_registrar_windows.h>
#include <flutter/standard_method_codec.h>
#include <flutter/texture_registrar.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "bithuman_core.h"

namespace {

using flutter::EncodableMap;
using flutter::EncodableValue;
using Call = flutter::MethodCall<EncodableValue>;
using Result = flutter::MethodResult<EncodableValue>;

constexpr char kChannel[] = "ai.bithuman.avatar";

// A texture that shows a stage.
class StageTexture {
 public:
  // `stage`: one reference is the texture's from now on.
  StageTexture(flutter::TextureRegistrar *registrar, bithuman_stage *stage)
      : registrar_(registrar),
        stage_(stage),
        texture_(flutter::PixelBufferTexture([this](size_t, size_t) { return Picture(); })),
        id_(registrar->RegisterTexture(&texture_)) {
    bithuman_stage_listen(stage_, [](void *own) { static_cast<StageTexture *>(own)->Mark(); }, this);
  }

  StageTexture(const StageTexture &) = delete;
  StageTexture &operator=(const StageTexture &) = delete;

  // Flutter composes until the callback: the texture is deleted there.
  static void Remove(std::unique_ptr<StageTexture> texture) {
    bithuman_stage_close(texture->stage_);
    StageTexture *own = texture.release();
    own->registrar_->UnregisterTexture(own->id_, [own] { delete own; });
  }

  ~StageTexture() { bithuman_stage_release(stage_); }

  int64_t id() const { return id_; }
  bithuman_stage *stage() const { return stage_; }

 private:
  const FlutterDesktopPixelBuffer *Picture() {
    uint32_t width = 0, height = 0;
    size_t stride = 0;
    const uint8_t *pixels = nullptr;
    if (!bithuman_stage_picture(stage_, &pixels, &width, &height, &stride)) return nullptr;
    buffer_.buffer = pixels;
    buffer_.width = width;
    buffer_.height = height;
    return &buffer_;
  }

  // From the thread that draws, which Flutter permits.
  void Mark() { registrar_->MarkTextureFrameAvailable(id_); }

  flutter::TextureRegistrar *const registrar_;
  bithuman_stage *const stage_;
  FlutterDesktopPixelBuffer buffer_{};
  flutter::TextureVariant texture_;
  const int64_t id_;
};

class Plugin : public flutter::Plugin {
 public:
  explicit Plugin(flutter::PluginRegistrarWindows *registrar)
      : textures_registrar_(registrar->texture_registrar()),
        channel_(registrar->messenger(), kChannel, &flutter::StandardMethodCodec::GetInstance()) {
    channel_.SetMethodCallHandler(
        [this](const Call &call, std::unique_ptr<Result> result) { Answer(call, std::move(result)); });
  }

  ~Plugin() override {
    channel_.SetMethodCallHandler(nullptr);
    for (auto &[id, texture] : textures_) StageTexture::Remove(std::move(texture));
  }

 private:
  static const EncodableValue *Argument(const Call &call, const char *name) {
    const auto *all = std::get_if<EncodableMap>(call.arguments());
    if (!all) return nullptr;
    const auto found = all->find(EncodableValue(name));
    return found == all->end() ? nullptr : &found->second;
  }

  static const int64_t *Integer(const EncodableValue *value, int64_t *room) {
    if (!value) return nullptr;
    if (const auto *small = std::get_if<int32_t>(value)) return *room = *small, room;
    return std::get_if<int64_t>(value);
  }

  void Show(bithuman_stage *stage, Result &result) {
    auto texture = std::make_unique<StageTexture>(textures_registrar_, stage);
    const int64_t id = texture->id();
    if (id < 0) {
      bithuman_stage_close(stage);
      return result.Error("NO_REGISTRY", "there is no texture to be had");
    }
    textures_[id] = std::move(texture);
    result.Success(EncodableValue(id));
  }

  static void Fail(const essence_error &error, Result &result) {
    result.Error(bithuman_channel_code(error.status), error.message);
  }

  void Answer(const Call &call, std::unique_ptr<Result> result) {
    const std::string &method = call.method_name();
    essence_error error = ESSENCE_ERROR_INIT;
    int64_t room = 0;
    if (method == "engineVersion") return result->Success(EncodableValue(bithuman_engine_version()));
    if (method == "attach") {
      const int64_t *id = Integer(Argument(call, "stage"), &room);
      bithuman_stage *stage = id ? bithuman_stage_find(static_cast<uint64_t>(*id)) : nullptr;
      return stage ? Show(stage, *result) : result->Error("BAD_ARGS", "`stage` is no stage of this process");
    }
    if (method == "load") {
      const auto *value = Argument(call, "path");
      const auto *path = value ? std::get_if<std::string>(value) : nullptr;
      if (!path) return result->Error("BAD_ARGS", "`path` has to be a string");
      // Answers have to come from this thread, and it has no queue of ours; Dart's own `load` opens avatars elsewhere.
      bithuman_stage *stage = nullptr;
      if (bithuman_stage_open(path->c_str(), ESSENCE_PIXEL_FORMAT_RGBA8, &stage, &error)) return Fail(error, *result);
      return Show(stage, *result);
    }
    static const std::vector<std::string> known = {"pushAudio",  "interrupt", "silence", "dispose",
                                                   "audioStart", "audioStop",      "playSpeakerPCM",
                                                   "attachWebrtcRemoteAudio",      "detachWebrtcRemoteAudio"};
    if (std::find(known.begin(), known.end(), method) == known.end()) return result->NotImplemented();
    const int64_t *id = Integer(Argument(call, "textureId"), &room);
    const auto found = id ? textures_.find(*id) : textures_.end();
    if (found == textures_.end()) return result->Error("BAD_ARGS", "`textureId` is no avatar's");
    bithuman_stage *stage = found->second->stage();
    if (method == "pushAudio") {
      const auto *value = Argument(call, "pcm");
      const auto *pcm = value ? std::get_if<std::vector<uint8_t>>(value) : nullptr;
      if (!pcm) return result->Error("BAD_ARGS", "`pcm` has to be bytes");
      if (bithuman_stage_push_bytes(stage, pcm->data(), pcm->size(), &error)) return Fail(error, *result);
    } else if (method == "interrupt") {
      if (essence_session_interrupt(bithuman_stage_session(stage), &error)) return Fail(error, *result);
    } else if (method == "dispose") {
      auto texture = std::move(found->second);
      textures_.erase(found);
      StageTexture::Remove(std::move(texture));
    } else if (method != "audioStop" && method != "silence") {
      return result->Error("unsupported", "on Windows the app plays and records sound itself");
    }
    result->Success();
  }

  flutter::TextureRegistrar *const textures_registrar_;
  flutter::MethodChannel<EncodableValue> channel_;
  std::map<int64_t, std::unique_ptr<StageTexture>> textures_;
};

}  // namespace

void BithumanPluginCApiRegisterWithRegistrar(FlutterDesktopPluginRegistrarRef registrar) {
  auto *own = flutter::PluginRegistrarManager::GetInstance()->GetRegistrar<flutter::PluginRegistrarWindows>(registrar);
  own->AddPlugin(std::make_unique<Plugin>(own));
}

// Flutter on Linux: textures of stages, and the method channel.

#include "include/bithuman/bithuman_plugin.h"

#include <cstring>
#include <map>
#include <string>

#include "bithuman_core.h"

namespace {

constexpr char kChannel[] = "ai.bithuman.avatar";

// A texture that shows a stage.
struct StageTexture {
  FlPixelBufferTexture parent;
  bithuman_stage *stage;
  FlTextureRegistrar *registrar;
};

struct StageTextureClass {
  FlPixelBufferTextureClass parent;
};

G_DEFINE_TYPE(StageTexture, stage_texture, fl_pixel_buffer_texture_get_type())

gboolean stage_texture_copy_pixels(FlPixelBufferTexture *texture, const uint8_t **pixels, uint32_t *width, uint32_t *height,
                                   GError **error) {
  size_t stride = 0;
  auto *own = reinterpret_cast<StageTexture *>(texture);
  if (bithuman_stage_picture(own->stage, pixels, width, height, &stride)) return TRUE;
  g_set_error(error, g_quark_from_static_string("bithuman"), 0, "no frame has been drawn yet");
  return FALSE;
}

void stage_texture_dispose(GObject *object) {
  auto *own = reinterpret_cast<StageTexture *>(object);
  bithuman_stage_release(own->stage);
  own->stage = nullptr;
  g_clear_object(&own->registrar);
  G_OBJECT_CLASS(stage_texture_parent_class)->dispose(object);
}

void stage_texture_class_init(StageTextureClass *kind) {
  FL_PIXEL_BUFFER_TEXTURE_CLASS(kind)->copy_pixels = stage_texture_copy_pixels;
  G_OBJECT_CLASS(kind)->dispose = stage_texture_dispose;
}

void stage_texture_init(StageTexture *) {}

// From the main thread.
gboolean mark(gpointer user_data) {
  auto *own = static_cast<StageTexture *>(user_data);
  fl_texture_registrar_mark_texture_frame_available(own->registrar, FL_TEXTURE(own));
  return G_SOURCE_REMOVE;
}

// From the thread that draws.
void on_picture(void *user_data) {
  g_idle_add_full(G_PRIORITY_DEFAULT, mark, g_object_ref(user_data), g_object_unref);
}

FlMethodResponse *failure(const char *code, const char *message) {
  return FL_METHOD_RESPONSE(fl_method_error_response_new(code, message, nullptr));
}

// `given`: the response's from now on.
FlMethodResponse *success(FlValue *given = nullptr) {
  g_autoptr(FlValue) value = given;
  return FL_METHOD_RESPONSE(fl_method_success_response_new(value));
}

struct Plugin {
  FlTextureRegistrar *registrar;
  std::map<int64_t, StageTexture *> textures;

  ~Plugin() {
    while (!textures.empty()) remove(textures.begin()->first);
    g_object_unref(registrar);
  }

  // Shows a stage, of which one reference is the texture's from now on.
  FlMethodResponse *show(bithuman_stage *stage) {
    auto *texture = static_cast<StageTexture *>(static_cast<void *>(g_object_new(stage_texture_get_type(), nullptr)));
    texture->stage = stage;
    texture->registrar = FL_TEXTURE_REGISTRAR(g_object_ref(registrar));
    if (!fl_texture_registrar_register_texture(registrar, FL_TEXTURE(texture))) {
      bithuman_stage_close(stage);
      g_object_unref(texture);
      return failure("NO_REGISTRY", "there is no texture to be had");
    }
    const int64_t id = fl_texture_get_id(FL_TEXTURE(texture));
    textures[id] = texture;
    bithuman_stage_listen(stage, on_picture, texture);
    return success(fl_value_new_int(id));
  }

  void remove(int64_t id) {
    StageTexture *texture = textures[id];
    textures.erase(id);
    bithuman_stage_close(texture->stage);
    fl_texture_registrar_unregister_texture(registrar, FL_TEXTURE(texture));
    g_object_unref(texture);
  }
};

FlValue *argument(FlMethodCall *call, const char *name, FlValueType type) {
  FlValue *all = fl_method_call_get_args(call);
  if (!all || fl_value_get_type(all) != FL_VALUE_TYPE_MAP) return nullptr;
  FlValue *found = fl_value_lookup_string(all, name);
  return found && fl_value_get_type(found) == type ? found : nullptr;
}

// An avatar that is being opened away from the main thread.
struct Opening {
  std::string path;
  FlMethodCall *call;
  bithuman_stage *stage = nullptr;
  essence_error error = ESSENCE_ERROR_INIT;
};

void open_in_thread(GTask *task, gpointer, gpointer task_data, GCancellable *) {
  auto *opening = static_cast<Opening *>(task_data);
  bithuman_stage_open(opening->path.c_str(), ESSENCE_PIXEL_FORMAT_RGBA8, &opening->stage, &opening->error);
  g_task_return_boolean(task, TRUE);
}

void opened(GObject *source, GAsyncResult *result, gpointer) {
  auto *opening = static_cast<Opening *>(g_task_get_task_data(G_TASK(result)));
  auto *plugin = static_cast<Plugin *>(g_object_get_data(source, kChannel));
  g_autoptr(FlMethodResponse) response =
      opening->stage ? plugin->show(opening->stage)
                     : failure(bithuman_channel_code(opening->error.status), opening->error.message);
  fl_method_call_respond(opening->call, response, nullptr);
  g_object_unref(opening->call);
}

FlMethodResponse *answer(Plugin *plugin, FlMethodCall *call) {
  const std::string method = fl_method_call_get_name(call);
  if (method == "engineVersion") return success(fl_value_new_string(bithuman_engine_version()));
  if (method == "attach") {
    FlValue *id = argument(call, "stage", FL_VALUE_TYPE_INT);
    bithuman_stage *stage = id ? bithuman_stage_find(static_cast<uint64_t>(fl_value_get_int(id))) : nullptr;
    return stage ? plugin->show(stage) : failure("BAD_ARGS", "`stage` is no stage of this process");
  }
  const char *known[] = {"pushAudio", "interrupt", "silence", "dispose", "audioStart", "audioStop", "playSpeakerPCM",
                         "attachWebrtcRemoteAudio", "detachWebrtcRemoteAudio"};
  bool is_known = false;
  for (const char *name : known) is_known |= method == name;
  if (!is_known) return FL_METHOD_RESPONSE(fl_method_not_implemented_response_new());
  FlValue *id = argument(call, "textureId", FL_VALUE_TYPE_INT);
  const auto found = id ? plugin->textures.find(fl_value_get_int(id)) : plugin->textures.end();
  if (found == plugin->textures.end()) return failure("BAD_ARGS", "`textureId` is no avatar's");
  bithuman_stage *stage = found->second->stage;
  essence_error error = ESSENCE_ERROR_INIT;
  if (method == "pushAudio") {
    FlValue *pcm = argument(call, "pcm", FL_VALUE_TYPE_UINT8_LIST);
    if (!pcm) return failure("BAD_ARGS", "`pcm` has to be bytes");
    if (bithuman_stage_push_bytes(stage, fl_value_get_uint8_list(pcm), fl_value_get_length(pcm), &error))
      return failure(bithuman_channel_code(error.status), error.message);
  } else if (method == "interrupt") {
    if (essence_session_interrupt(bithuman_stage_session(stage), &error))
      return failure(bithuman_channel_code(error.status), error.message);
  } else if (method == "dispose") {
    plugin->remove(found->first);
  } else if (method != "audioStop" && method != "silence") {
    return failure("unsupported", "on Linux the app plays and records sound itself");
  }
  return success();
}

void on_call(FlMethodChannel *channel, FlMethodCall *call, gpointer user_data) {
  auto *plugin = static_cast<Plugin *>(user_data);
  if (!std::strcmp(fl_method_call_get_name(call), "load")) {
    if (FlValue *path = argument(call, "path", FL_VALUE_TYPE_STRING)) {
      auto *opening = new Opening{fl_value_get_string(path), FL_METHOD_CALL(g_object_ref(call))};
      g_autoptr(GTask) task = g_task_new(channel, nullptr, opened, nullptr);
      g_task_set_task_data(task, opening, [](gpointer data) { delete static_cast<Opening *>(data); });
      g_task_run_in_thread(task, open_in_thread);
      return;
    }
  }
  g_autoptr(FlMethodResponse) response = !std::strcmp(fl_method_call_get_name(call), "load")
                                             ? failure("BAD_ARGS", "`path` has to be a string")
                                             : answer(plugin, call);
  fl_method_call_respond(call, response, nullptr);
}

}  // namespace

void bithuman_plugin_register_with_registrar(FlPluginRegistrar *registrar) {
  auto *plugin = new Plugin{FL_TEXTURE_REGISTRAR(g_object_ref(fl_plugin_registrar_get_texture_registrar(registrar))), {}};
  g_autoptr(FlStandardMethodCodec) codec = fl_standard_method_codec_new();
  FlMethodChannel *channel =
      fl_method_channel_new(fl_plugin_registrar_get_messenger(registrar), kChannel, FL_METHOD_CODEC(codec));
  g_object_set_data(G_OBJECT(channel), kChannel, plugin);
  fl_method_channel_set_method_call_handler(channel, on_call, plugin,
                                            [](gpointer data) { delete static_cast<Plugin *>(data); });
  // The handler holds the channel for as long as the engine runs.
  g_object_unref(channel);
}

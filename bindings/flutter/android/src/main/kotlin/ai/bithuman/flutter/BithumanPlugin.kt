package ai.bithuman.flutter

import android.Manifest
import android.content.Context
import android.content.pm.PackageManager
import android.os.Handler
import android.os.Looper
import io.flutter.embedding.engine.plugins.FlutterPlugin
import io.flutter.plugin.common.EventChannel
import io.flutter.plugin.common.MethodCall
import io.flutter.plugin.common.MethodChannel
import io.flutter.view.TextureRegistry
import java.util.concurrent.Executors

/** An avatar on a texture, with its sound. */
private class Shown(val handle: Long, val producer: TextureRegistry.SurfaceProducer, val mic: EventChannel) {
    var sink: EventChannel.EventSink? = null
    var loudspeaker: Loudspeaker? = null
    var microphone: Microphone? = null

    fun stopSound() {
        microphone?.close()
        microphone = null
        loudspeaker?.close()
        loudspeaker = null
    }
}

/** Textures of stages, and the method channel. All of it runs on the main thread but the opening of avatars. */
class BithumanPlugin : FlutterPlugin, MethodChannel.MethodCallHandler {
    private lateinit var binding: FlutterPlugin.FlutterPluginBinding
    private lateinit var channel: MethodChannel
    private val main = Handler(Looper.getMainLooper())
    private val opener = Executors.newSingleThreadExecutor()
    private val avatars = HashMap<Long, Shown>()
    private var attached = false

    override fun onAttachedToEngine(binding: FlutterPlugin.FlutterPluginBinding) {
        this.binding = binding
        attached = true
        channel = MethodChannel(binding.binaryMessenger, CHANNEL)
        channel.setMethodCallHandler(this)
    }

    override fun onDetachedFromEngine(binding: FlutterPlugin.FlutterPluginBinding) {
        attached = false
        channel.setMethodCallHandler(null)
        avatars.keys.toList().forEach(::remove)
        opener.shutdown()
    }

    override fun onMethodCall(call: MethodCall, result: MethodChannel.Result) {
        try {
            answer(call, result)
        } catch (error: StageException) {
            result.error(error.code, error.message, null)
        }
    }

    private fun answer(call: MethodCall, result: MethodChannel.Result) {
        when (call.method) {
            "engineVersion" -> return result.success(Stage.version())
            "attach" -> {
                val handle = (call.argument<Any>("stage") as? Number)?.let { Stage.attach(it.toLong()) } ?: 0L
                if (handle == 0L) return bad(result, "`stage` is no stage of this process")
                return result.success(show(handle))
            }
            "load" -> {
                val path = call.argument<Any>("path") as? String ?: return bad(result, "`path` has to be a string")
                return load(path, result)
            }
            !in METHODS -> return result.notImplemented()
        }
        val id = (call.argument<Any>("textureId") as? Number)?.toLong()
        val avatar = avatars[id] ?: return bad(result, "`textureId` is no avatar's")
        when (call.method) {
            "pushAudio" -> {
                val pcm = call.argument<Any>("pcm") as? ByteArray ?: return bad(result, "`pcm` has to be bytes")
                Stage.push(avatar.handle, pcm)
            }
            "playSpeakerPCM" -> {
                val pcm = call.argument<Any>("pcm") as? ByteArray ?: return bad(result, "`pcm` has to be bytes")
                val loudspeaker = avatar.loudspeaker ?: return bad(result, "audioStart comes first")
                if (!loudspeaker.play(pcm)) return bad(result, "too much sound waits to be played")
            }
            "interrupt" -> {
                Stage.interrupt(avatar.handle)
                avatar.loudspeaker?.interrupt()
            }
            "silence" -> avatar.loudspeaker?.interrupt()
            "audioStart" -> return startSound(avatar, call, result)
            "audioStop" -> avatar.stopSound()
            "dispose" -> id?.let(::remove)
            else -> return result.error("unsupported", "give the remote track's sound to pushAudio", null)
        }
        result.success(null)
    }

    private fun load(path: String, result: MethodChannel.Result) {
        opener.execute {
            try {
                val handle = Stage.open(path.toByteArray())
                main.post { if (attached) result.success(show(handle)) else Stage.close(handle) }
            } catch (error: StageException) {
                main.post { result.error(error.code, error.message, null) }
            }
        }
    }

    /** The texture's number. */
    private fun show(handle: Long): Long {
        val producer = binding.textureRegistry.createSurfaceProducer()
        val size = Stage.size(handle)
        producer.setSize((size ushr 32).toInt(), size.toInt())
        val id = producer.id()
        val mic = EventChannel(binding.binaryMessenger, "$CHANNEL.mic/$id")
        val avatar = Shown(handle, producer, mic)
        avatars[id] = avatar
        Stage.showIn(handle, producer.surface)
        // The surface goes with the app into the background, and another one comes.
        producer.setCallback(
            object : TextureRegistry.SurfaceProducer.Callback {
                override fun onSurfaceAvailable() {
                    if (id in avatars) Stage.showIn(handle, producer.surface)
                }

                override fun onSurfaceCleanup() {
                    if (id in avatars) Stage.showIn(handle, null)
                }
            },
        )
        mic.setStreamHandler(
            object : EventChannel.StreamHandler {
                override fun onListen(arguments: Any?, events: EventChannel.EventSink?) {
                    avatar.sink = events
                }

                override fun onCancel(arguments: Any?) {
                    avatar.sink = null
                }
            },
        )
        return id
    }

    private fun startSound(avatar: Shown, call: MethodCall, result: MethodChannel.Result) {
        avatar.stopSound()
        val enableMic = call.argument<Any>("enableMic") as? Boolean ?: true
        val threshold = (call.argument<Any>("vadThreshold") as? Number)?.toFloat() ?: 0f
        try {
            if (enableMic) {
                if (!mayRecord(binding.applicationContext)) {
                    return result.error(AUDIO_START_FAILED, "the app may not use the microphone", null)
                }
                avatar.microphone = Microphone(threshold) { pcm -> main.post { avatar.sink?.success(pcm) } }
            }
            avatar.loudspeaker = Loudspeaker()
            result.success(null)
        } catch (error: RuntimeException) {
            avatar.stopSound()
            result.error(AUDIO_START_FAILED, error.message, null)
        }
    }

    private fun remove(id: Long) {
        val avatar = avatars.remove(id) ?: return
        avatar.stopSound()
        avatar.mic.setStreamHandler(null)
        // Nothing draws into the surface from here on.
        Stage.close(avatar.handle)
        avatar.producer.release()
    }

    private fun bad(result: MethodChannel.Result, words: String) = result.error("BAD_ARGS", words, null)

    private companion object {
        const val CHANNEL = "ai.bithuman.avatar"
        const val AUDIO_START_FAILED = "AUDIO_START_FAILED"
        val METHODS =
            setOf(
                "pushAudio",
                "playSpeakerPCM",
                "interrupt",
                "silence",
                "audioStart",
                "audioStop",
                "dispose",
                "attachWebrtcRemoteAudio",
                "detachWebrtcRemoteAudio",
            )

        fun mayRecord(context: Context) =
            context.checkSelfPermission(Manifest.permission.RECORD_AUDIO) == PackageManager.PERMISSION_GRANTED
    }
}

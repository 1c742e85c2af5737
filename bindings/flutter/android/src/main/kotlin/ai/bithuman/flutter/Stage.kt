package ai.bithuman.flutter

import android.view.Surface

/** An error of the engine's with the method channel's code for it. Made by native code. */
class StageException(val code: String, message: String) : Exception(message)

/** The native core's stages. Handles are given back by [close], and are used from one thread at a time. */
internal object Stage {
    init {
        System.loadLibrary("bithuman_android")
    }

    @JvmStatic external fun version(): String

    /** A handle of a stage that Dart made; 0: there is none of that number. */
    @JvmStatic external fun attach(id: Long): Long

    /** A handle of an avatar that draws by itself. Takes a while. `path`: UTF-8. */
    @JvmStatic external fun open(path: ByteArray): Long

    /** Width and height in pixels: the upper and the lower half. */
    @JvmStatic external fun size(handle: Long): Long

    @JvmStatic external fun showIn(handle: Long, surface: Surface?)

    /** 16-bit samples, mono, 16 kHz. */
    @JvmStatic external fun push(handle: Long, pcm: ByteArray)

    @JvmStatic external fun interrupt(handle: Long)

    @JvmStatic external fun close(handle: Long)

    /** Makes silence of sound whose level lies below a threshold. */
    @JvmStatic external fun gate(pcm: ByteArray, threshold: Float)
}

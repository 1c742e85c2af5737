package ai.bithuman.flutter

import android.annotation.SuppressLint
import android.media.AudioAttributes
import android.media.AudioFormat
import android.media.AudioRecord
import android.media.AudioTrack
import android.media.MediaRecorder
import java.util.concurrent.LinkedBlockingQueue
import kotlin.concurrent.thread

/** Plays 16-bit samples, mono, 24 kHz. Pieces that wait are dropped by [interrupt]. */
internal class Loudspeaker {
    private val waiting = LinkedBlockingQueue<ByteArray>(MOST_PIECES)

    @Volatile private var running = true

    private val track =
        AudioTrack.Builder()
            .setAudioAttributes(
                AudioAttributes.Builder()
                    .setUsage(AudioAttributes.USAGE_VOICE_COMMUNICATION)
                    .setContentType(AudioAttributes.CONTENT_TYPE_SPEECH)
                    .build(),
            )
            .setAudioFormat(
                AudioFormat.Builder()
                    .setEncoding(AudioFormat.ENCODING_PCM_16BIT)
                    .setSampleRate(RATE_HZ)
                    .setChannelMask(AudioFormat.CHANNEL_OUT_MONO)
                    .build(),
            )
            .setTransferMode(AudioTrack.MODE_STREAM)
            .build()

    private val player =
        thread(name = "bithuman plays") {
            track.play()
            while (running) {
                val piece = waiting.take()
                if (piece.isNotEmpty()) track.write(piece, 0, piece.size)
            }
            track.release()
        }

    /** False: too much waits already. */
    fun play(pcm: ByteArray): Boolean = waiting.offer(pcm)

    fun interrupt() {
        waiting.clear()
        track.pause()
        track.flush()
        track.play()
    }

    fun close() {
        running = false
        waiting.clear()
        // Ends a write that waits, and wakes the thread.
        track.pause()
        track.flush()
        waiting.offer(ByteArray(0))
        player.join()
    }

    private companion object {
        const val RATE_HZ = 24000
        const val MOST_PIECES = 1024
    }
}

/** Takes 16-bit samples, mono, 16 kHz, 20 ms at a time, without the echo of what is played. */
internal class Microphone(private val threshold: Float, private val heard: (ByteArray) -> Unit) {
    @Volatile private var running = true

    // The plugin has asked for the permission before.
    @SuppressLint("MissingPermission")
    private val record =
        AudioRecord(
            MediaRecorder.AudioSource.VOICE_COMMUNICATION,
            RATE_HZ,
            AudioFormat.CHANNEL_IN_MONO,
            AudioFormat.ENCODING_PCM_16BIT,
            maxOf(
                AudioRecord.getMinBufferSize(RATE_HZ, AudioFormat.CHANNEL_IN_MONO, AudioFormat.ENCODING_PCM_16BIT),
                8 * PIECE_BYTES,
            ),
        )

    init {
        if (record.state != AudioRecord.STATE_INITIALIZED) {
            record.release()
            throw IllegalStateException("the microphone can't be opened")
        }
    }

    private val recorder =
        thread(name = "bithuman hears") {
            record.startRecording()
            while (running) {
                val piece = ByteArray(PIECE_BYTES)
                val count = record.read(piece, 0, piece.size)
                if (count <= 0) break
                val sound = piece.copyOf(count)
                if (threshold > 0) Stage.gate(sound, threshold)
                if (running) heard(sound)
            }
            record.stop()
            record.release()
        }

    fun close() {
        running = false
        recorder.join()
    }

    private companion object {
        const val RATE_HZ = 16000
        const val PIECE_BYTES = 640
    }
}

import 'essence.g.dart';

/// A provider executes the networks.
enum EssenceProvider {
  /// The best of the others that works here, passes the avatar's self-test and, unless it is the CPU, draws a mouth within 20 ms.
  auto(ESSENCE_PROVIDER_AUTO),

  /// ONNX Runtime's own CPU kernels.
  cpu(ESSENCE_PROVIDER_CPU),

  /// NVIDIA GPUs.
  cuda(ESSENCE_PROVIDER_CUDA),

  /// Apple's CoreML.
  coreml(ESSENCE_PROVIDER_COREML),

  /// Intel's OpenVINO, on the CPU.
  openvino(ESSENCE_PROVIDER_OPENVINO),

  /// GPUs through WebGPU.
  webgpu(ESSENCE_PROVIDER_WEBGPU),

  /// The library's own kernels, which need no ONNX Runtime: phones and tablets have no other.
  builtin(ESSENCE_PROVIDER_BUILTIN);

  const EssenceProvider(this.value);

  /// The number in C.
  final int value;

  /// The provider of a number; null for one that this version does not have.
  static EssenceProvider? of(int value) => values.where((one) => one.value == value).firstOrNull;
}

/// How much a message matters.
enum EssenceLogLevel {
  /// Nothing.
  off(ESSENCE_LOG_LEVEL_OFF),

  /// Something failed.
  error(ESSENCE_LOG_LEVEL_ERROR),

  /// Something works, but not as asked for.
  warn(ESSENCE_LOG_LEVEL_WARN),

  /// Models and avatars that were loaded and opened, and the provider that runs.
  info(ESSENCE_LOG_LEVEL_INFO),

  /// Utterances, interruptions, networks that were loaded, places that were searched.
  debug(ESSENCE_LOG_LEVEL_DEBUG),

  /// Every frame.
  trace(ESSENCE_LOG_LEVEL_TRACE);

  const EssenceLogLevel(this.value);

  /// The number in C.
  final int value;
}

/// How pixels lie in memory.
enum EssencePixelFormat {
  /// 3 bytes a pixel.
  bgr8(ESSENCE_PIXEL_FORMAT_BGR8),

  /// 3 bytes a pixel.
  rgb8(ESSENCE_PIXEL_FORMAT_RGB8),

  /// 4 bytes a pixel.
  rgba8(ESSENCE_PIXEL_FORMAT_RGBA8),

  /// 4 bytes a pixel.
  bgra8(ESSENCE_PIXEL_FORMAT_BGRA8),

  /// Planes Y, U, V.
  i420(ESSENCE_PIXEL_FORMAT_I420),

  /// Plane Y, then one plane of U and V in turn at half the width and height (rounded up).
  nv12(ESSENCE_PIXEL_FORMAT_NV12);

  const EssencePixelFormat(this.value);

  /// The number in C.
  final int value;
}

/// How a session keeps time.
enum EssencePacing {
  /// Frame k is due at start + k / 25 s, and there always is one.
  realtime(ESSENCE_PACING_REALTIME),

  /// As fast as the machine can and only what the audio gives, for files and tests.
  unpaced(ESSENCE_PACING_UNPACED);

  const EssencePacing(this.value);

  /// The number in C.
  final int value;
}

/// How the avatar's picture fits into an output of another size.
enum EssenceFit {
  /// The whole picture, scaled as large as the output permits and centred, with bars where the proportions differ.
  contain(ESSENCE_FIT_CONTAIN),

  /// The picture scaled until it fills the output, centred.
  cover(ESSENCE_FIT_COVER),

  /// A part of the picture at its own scale, of the output's size, which lies inside of the picture.
  crop(ESSENCE_FIT_CROP);

  const EssenceFit(this.value);

  /// The number in C.
  final int value;
}

/// How Y, U and V follow from red, green and blue.
enum EssenceYuvMatrix {
  /// ITU-R BT.601, of standard definition and JPEG.
  bt601(ESSENCE_YUV_MATRIX_BT601),

  /// ITU-R BT.709, of high definition.
  bt709(ESSENCE_YUV_MATRIX_BT709);

  const EssenceYuvMatrix(this.value);

  /// The number in C.
  final int value;
}

/// The levels that Y, U and V use.
enum EssenceYuvRange {
  /// Y from 16 to 235, U and V from 16 to 240.
  limited(ESSENCE_YUV_RANGE_LIMITED),

  /// All from 0 to 255.
  full(ESSENCE_YUV_RANGE_FULL);

  const EssenceYuvRange(this.value);

  /// The number in C.
  final int value;
}

/// An emotion that a face shows beside its speech.
enum EssenceEmotion {
  /// The face as it is.
  neutral(ESSENCE_EMOTION_NEUTRAL),

  /// A smile with raised cheeks.
  joy(ESSENCE_EMOTION_JOY),

  /// Inner brows raised, corners of the mouth down, the gaze lowered.
  sadness(ESSENCE_EMOTION_SADNESS),

  /// Brows down, eyes narrowed.
  anger(ESSENCE_EMOTION_ANGER),

  /// Brows raised, eyes and lips a little apart.
  surprise(ESSENCE_EMOTION_SURPRISE),

  /// Inner brows raised, eyes wider, corners of the mouth drawn apart.
  fear(ESSENCE_EMOTION_FEAR),

  /// The nose wrinkled, the upper lip raised.
  disgust(ESSENCE_EMOTION_DISGUST);

  const EssenceEmotion(this.value);

  /// The number in C.
  final int value;
}

/// Names that visemes or phonemes are told by.
enum EssenceVisemeSet {
  /// ARPAbet, as CMU's dictionary, Festival and Flite write it.
  arpabet(ESSENCE_VISEME_SET_ARPABET),

  /// Viseme ids of Microsoft's (Azure's) speech service.
  azure(ESSENCE_VISEME_SET_AZURE),

  /// Phoneme mnemonics of eSpeak NG.
  espeak(ESSENCE_VISEME_SET_ESPEAK),

  /// The International Phonetic Alphabet.
  ipa(ESSENCE_VISEME_SET_IPA),

  /// The fifteen visemes of Oculus (Meta).
  oculus(ESSENCE_VISEME_SET_OCULUS),

  /// Visemes of Amazon Polly's speech marks.
  polly(ESSENCE_VISEME_SET_POLLY);

  const EssenceVisemeSet(this.value);

  /// The number in C.
  final int value;
}

/// How many bits a video spends.
enum EssenceQuality {
  /// Clean pictures at a moderate size.
  medium(ESSENCE_QUALITY_MEDIUM),

  /// Small files.
  low(ESSENCE_QUALITY_LOW),

  /// Hardly distinguishable from the frames that went in.
  high(ESSENCE_QUALITY_HIGH);

  const EssenceQuality(this.value);

  /// The number in C.
  final int value;
}

import 'essence.g.dart';

/// A provider executes the networks.
enum EssenceProvider {
  auto(ESSENCE_PROVIDER_AUTO),
  cpu(ESSENCE_PROVIDER_CPU),
  cuda(ESSENCE_PROVIDER_CUDA),
  coreml(ESSENCE_PROVIDER_COREML),
  openvino(ESSENCE_PROVIDER_OPENVINO),
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
  off(ESSENCE_LOG_LEVEL_OFF),
  error(ESSENCE_LOG_LEVEL_ERROR),
  warn(ESSENCE_LOG_LEVEL_WARN),
  info(ESSENCE_LOG_LEVEL_INFO),
  debug(ESSENCE_LOG_LEVEL_DEBUG),
  trace(ESSENCE_LOG_LEVEL_TRACE);

  const EssenceLogLevel(this.value);

  /// The number in C.
  final int value;
}

/// How pixels lie in memory.
enum EssencePixelFormat {
  bgr8(ESSENCE_PIXEL_FORMAT_BGR8),
  rgb8(ESSENCE_PIXEL_FORMAT_RGB8),
  rgba8(ESSENCE_PIXEL_FORMAT_RGBA8),
  bgra8(ESSENCE_PIXEL_FORMAT_BGRA8),
  i420(ESSENCE_PIXEL_FORMAT_I420),
  nv12(ESSENCE_PIXEL_FORMAT_NV12);

  const EssencePixelFormat(this.value);

  /// The number in C.
  final int value;
}

/// How a session keeps time.
enum EssencePacing {
  realtime(ESSENCE_PACING_REALTIME),
  unpaced(ESSENCE_PACING_UNPACED);

  const EssencePacing(this.value);

  /// The number in C.
  final int value;
}

/// How the avatar's picture fits into an output of another size.
enum EssenceFit {
  contain(ESSENCE_FIT_CONTAIN),
  cover(ESSENCE_FIT_COVER),
  crop(ESSENCE_FIT_CROP);

  const EssenceFit(this.value);

  /// The number in C.
  final int value;
}

/// How Y, U and V follow from red, green and blue.
enum EssenceYuvMatrix {
  bt601(ESSENCE_YUV_MATRIX_BT601),
  bt709(ESSENCE_YUV_MATRIX_BT709);

  const EssenceYuvMatrix(this.value);

  /// The number in C.
  final int value;
}

/// The levels that Y, U and V use.
enum EssenceYuvRange {
  limited(ESSENCE_YUV_RANGE_LIMITED),
  full(ESSENCE_YUV_RANGE_FULL);

  const EssenceYuvRange(this.value);

  /// The number in C.
  final int value;
}

/// An emotion that a face shows beside its speech.
enum EssenceEmotion {
  neutral(ESSENCE_EMOTION_NEUTRAL),
  joy(ESSENCE_EMOTION_JOY),
  sadness(ESSENCE_EMOTION_SADNESS),
  anger(ESSENCE_EMOTION_ANGER),
  surprise(ESSENCE_EMOTION_SURPRISE),
  fear(ESSENCE_EMOTION_FEAR),
  disgust(ESSENCE_EMOTION_DISGUST);

  const EssenceEmotion(this.value);

  /// The number in C.
  final int value;
}

/// Names that visemes or phonemes are told by.
enum EssenceVisemeSet {
  arpabet(ESSENCE_VISEME_SET_ARPABET),
  azure(ESSENCE_VISEME_SET_AZURE),
  espeak(ESSENCE_VISEME_SET_ESPEAK),
  ipa(ESSENCE_VISEME_SET_IPA),
  oculus(ESSENCE_VISEME_SET_OCULUS),
  polly(ESSENCE_VISEME_SET_POLLY);

  const EssenceVisemeSet(this.value);

  /// The number in C.
  final int value;
}

/// How many bits a video spends.
enum EssenceQuality {
  medium(ESSENCE_QUALITY_MEDIUM),
  low(ESSENCE_QUALITY_LOW),
  high(ESSENCE_QUALITY_HIGH);

  const EssenceQuality(this.value);

  /// The number in C.
  final int value;
}

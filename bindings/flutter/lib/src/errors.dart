import 'essence.g.dart';

/// How a call ended: the statuses of `essence.h`.
enum EssenceStatus {
  /// Done.
  ok(ESSENCE_OK),

  /// No frame now.
  again(ESSENCE_AGAIN),

  /// The end of a file.
  end(ESSENCE_END),

  /// Every utterance is complete.
  done(ESSENCE_DONE),

  /// An argument is outside its domain; the message names the domain.
  invalidArgument(ESSENCE_ERR_INVALID_ARGUMENT),

  /// The call does not fit what was called before.
  invalidState(ESSENCE_ERR_INVALID_STATE),

  /// Something is larger than the library accepts; the message names the limit.
  limitExceeded(ESSENCE_ERR_LIMIT_EXCEEDED),

  /// The operation was stopped on request.
  cancelled(ESSENCE_ERR_CANCELLED),

  /// A file, member or motion of that name does not exist.
  notFound(ESSENCE_ERR_NOT_FOUND),

  /// The system could not read or write.
  io(ESSENCE_ERR_IO),

  /// The file is not an avatar, or a damaged one.
  invalidAvatar(ESSENCE_ERR_INVALID_AVATAR),

  /// The data is of a kind that the library does not read.
  unsupportedFormat(ESSENCE_ERR_UNSUPPORTED_FORMAT),

  /// The file or the library is of another version.
  unsupportedVersion(ESSENCE_ERR_UNSUPPORTED_VERSION),

  /// ONNX Runtime could not be loaded, and the provider needs it.
  runtimeMissing(ESSENCE_ERR_RUNTIME_MISSING),

  /// No execution provider that was allowed can run the avatar.
  providerUnavailable(ESSENCE_ERR_PROVIDER_UNAVAILABLE),

  /// A run of a network failed.
  inference(ESSENCE_ERR_INFERENCE),

  /// A bug in the library; handles that took part can only be closed.
  internal(ESSENCE_ERR_INTERNAL);

  const EssenceStatus(this.value);

  /// The status of a number; [internal] for one that this version does not have.
  factory EssenceStatus.of(int value) =>
      values.firstWhere((status) => status.value == value, orElse: () => internal);

  /// The number in C.
  final int value;

  /// Whether this is an error, not news.
  bool get isError => value < 0;
}

/// An error of the library's.
base class EssenceException implements Exception {
  /// An error with its status, and a sentence for a person: the fault, and what to do about it.
  EssenceException.of(this.status, this.message);

  /// Kind of the error.
  final EssenceStatus status;

  /// Sentence for a person.
  final String message;

  @override
  String toString() => '$runtimeType(${status.name}): $message';
}

/// An error of an avatar's on the screen, by the codes that the plugin's method channel has.
final class BithumanAvatarException extends EssenceException {
  /// An error of a status with the channel's code for it.
  BithumanAvatarException(this.code, super.status, super.message) : super.of();

  /// `BAD_ARGS`, `MODEL_REJECTED`, `load_failed`, `load_cancelled`, `unsupported`, `AUDIO_START_FAILED` or `NO_REGISTRY`.
  final String code;

  @override
  String toString() => '$runtimeType($code): $message';
}


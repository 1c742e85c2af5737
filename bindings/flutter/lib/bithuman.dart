/// Talking avatars on a Flutter screen: [BithumanAvatar]. The engine behind it, without a screen, is `essence.dart`.
library;

export 'essence.dart';
export 'src/bithuman_avatar.dart';
export 'src/errors.dart' show BithumanAvatarException;

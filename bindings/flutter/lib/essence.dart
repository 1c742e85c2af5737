/// The engine for any Dart program: avatars, sessions, frames, files. `bithuman.dart` has avatars on a Flutter screen.
library;

export 'src/avatar.dart';
export 'src/clock.dart';
export 'src/engine.dart';
export 'src/errors.dart' show EssenceException, EssenceStatus;
export 'src/files.dart';
export 'src/frame.dart';
export 'src/library.dart' show Essence, LibraryPaths;
export 'src/pump.dart';
export 'src/session.dart';
export 'src/values.dart';

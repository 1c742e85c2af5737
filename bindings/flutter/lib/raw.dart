/// The C interface as it is, by C's names: what `Essence.instance.functions` and `Essence.instance.core` have. The handles' own
/// pointers are their `pointer`, a session's is `native`.
library;

export 'src/core.g.dart';
export 'src/essence.g.dart';

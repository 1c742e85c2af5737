// The installed header; pkg-config says where it is.
#include <essence.h>

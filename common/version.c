#include "common/version.h"

/* CMakeLists.txt; not everything that compiles this does */
#ifndef CDC_REVISION
#define CDC_REVISION "unknown"
#endif

const char version_text[] = CDC_VERSION;
const char version_revision[] = CDC_REVISION;

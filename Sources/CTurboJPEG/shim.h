// TurboJPEG catches libjpeg's longjmp itself: Swift may call it directly.
#pragma once
#include <turbojpeg.h>

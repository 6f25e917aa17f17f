// text.h: as runtime/text.h, for PE: the linker puts together what has one name up to the $, sorted
// by what follows.
#ifdef __clang__
#pragma clang section text = "rt_text$m"
#endif

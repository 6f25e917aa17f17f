// text.h: as runtime/text.h, for Mach-O, where a section is of a segment.
#pragma clang section text = "__TEXT,rt_text,regular,pure_instructions"

// document.S: the bytes of the JSON document, placed in the program as they are.
// DOCUMENT is its path, given by the build.
    .section .rodata, "a"
    .globl document_begin
    .globl document_end
    .balign 16
document_begin:
    .incbin DOCUMENT
document_end:
    .byte 0
    .section .note.GNU-stack, "", @progbits

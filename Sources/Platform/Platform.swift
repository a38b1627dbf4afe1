// Platform: what the C library gives that differs between systems, behind Swift faces.
//
//   Threads     threads of one's own
//   FileStatus  what the system says of a file
//   Sockets     what SwiftNIO does not do: datagrams drained by hand, accepting on a thread of its own
//
// Nothing of the mesh or of models is known here, and nothing but the C library is imported: SwiftNIO
// brings second declarations of some of its types, and which of two a file means would depend on the
// order of compilation.

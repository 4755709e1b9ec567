(* This program's own frame tables, read by OCaml's runtime and by ours: reader TEXT NAME PCS ENCODER=FILE...
   (reader.c). *)
external reader : string array -> int = "reader_main"

let () = exit (reader Sys.argv)

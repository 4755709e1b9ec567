;; start.wat - traps while it is instantiated.
(module
  (memory 1)
  (func $main (drop (i32.load (i32.const 65536))))
  (start $main))

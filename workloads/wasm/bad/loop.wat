;; loop.wat - never ends, and not in the function that is called.
(module
  (func $spin (export "spin") (loop $again (br $again)))
  (func (export "_start") (call $spin)))

# weave.awk - from the header and the C that wasm2c (wabt 1.0.32, module name m) writes for a
# module, in this order, to one C source that stubmap compiles:
#
#   - struct wasm_head at the start of each instance
#   - loads and stores that are always inlined; glue.h in front of the module's own code
#   - a definition of each import: a call through the instance's slot of the same number
#   - wasm_export_N, another name for the N-th exported function
#   - wasm_import_name, wasm_export_name: which function has which number ("module.name", "name")
#   - the size of an instance; instantiation under one name, however many modules it imports from

function parameters(list, i, n, part, text) {
	n = split(list, part, /, */)
	text = ""
	arguments = ""
	for (i = 2; i <= n; i++) {
		text = text ", " part[i] " a" i
		arguments = arguments ", a" i
	}
	types = "void *"
	for (i = 2; i <= n; i++)
		types = types ", " part[i]
	return text
}

# "u32 Z_envZ_add(struct Z_env_instance_t*, u32, u32);"
function declaration(line) {
	match(line, /^[a-z0-9]+ /)
	result = substr(line, 1, RLENGTH - 1)
	line = substr(line, RLENGTH + 1)
	open = index(line, "(")
	name = substr(line, 1, open - 1)
	list = substr(line, open + 1, length(line) - open - 2)
	first = list
	sub(/,.*/, "", first)
}

# "/* import: 'env' 'add' */" or "/* export: 'run' */" to a C string
function quoted(line) {
	sub(/^[^']*'/, "", line)
	sub(/'[^']*$/, "", line)
	sub(/' '/, ".", line)
	gsub(/[\\"]/, "\\\\&", line)
	return "\"" line "\", "
}

function name_function(what, names) {
	printf "const char *wasm_%s_name(uint32_t n)\n{\n", what
	printf "\tstatic const char *const names[] = { %s0 };\n\n", names
	print "\treturn n < sizeof names / sizeof *names ? names[n] : 0;\n}\n"
}

FNR == 1 { file++ }

file == 1 && /^\/\* import: / { expect = "import"; called = quoted($0); print; next }
file == 1 && /^\/\* export: / { expect = "export"; called = quoted($0); print; next }
file == 1 && expect != "" {
	if ($0 ~ /^(void|u32|u64|f32|f64) Z_.*\);$/) {
		declaration($0)
		if (expect == "import" && !(name in known)) {
			known[name] = 1
			import_names = import_names called
			text = parameters(list)
			imports = imports sprintf("__attribute__((always_inline)) %s %s(%s ctx%s)\n{\n" \
				"\t%sIMPORT(%d, %s (*)(%s), ctx%s);\n}\n\n", result, name, first,
				text, result == "void" ? "" : "return ", nimports++, result,
				types, arguments)
		} else if (expect == "export") {
			export_names = export_names called
			exports = exports sprintf("%s wasm_export_%d(%s)\n\t__attribute__((alias(\"%s\")));\n",
				result, nexports++, list, name)
		}
	}
	expect = ""
}
file == 1 && /^void Z_m_instantiate\(/ { extra = gsub(/struct Z_[^*]*\*/, "&") }
file == 1 && /^typedef struct Z_m_instance_t \{/ { print; print "  struct wasm_head head;"; next }
file == 1 { print; next }

/^#include ".*\.h"$/ { next }
# Loads and stores are in line even in the baseline tier, as in any engine.
/^#define TRAP\(x\)/ {
	print "#define inline inline __attribute__((always_inline))\n"
}
/^static bool s_module_initialized = false;$/ {
	print "#undef inline"
	print "#include \"glue.h\"\n"
	print imports
	woven = 1
}
# The host's side of every import is the instance itself: no load to find it.
{ gsub(/\(instance->Z_[A-Za-z0-9_]+_instance/, "((void *)instance") }
{ print }

END {
	if (!woven) {
		print "#error wasm2c wrote a form that weave.awk does not know: it knows wabt 1.0.32's"
		exit 1
	}
	print "\n" exports
	name_function("import", import_names)
	name_function("export", export_names)
	print "uint64_t wasm_instance_size(void)\n{\n\treturn sizeof(Z_m_instance_t);\n}\n"
	print "void wasm_register(void)\n{\n\tZ_m_init_module();\n}\n"
	print "void wasm_instantiate(Z_m_instance_t *instance)\n{"
	printf "\tZ_m_instantiate(instance"
	for (i = 0; i < extra; i++)
		printf ", (void *)instance"
	print ");\n}\n"
	print "void wasm_free(Z_m_instance_t *instance)\n{\n\tZ_m_free(instance);\n}"
}

/*
 * test_wasm.c - live wasm programs say what they say natively, under every strategy.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../harness/wasi.h"
#include "../harness/wasm_instance.h"

static struct callee *steps_c, *step_c[2];
static void body(void *arg)
{
	struct wasm_instance *in = arg; (void)in;
	uint64_t a[1]={0};
	wasm_enter_native(steps_c, a);
	printf("steps %d\n", (int)a[0]);
	uint32_t n = (uint32_t)a[0], x=0;
	for (uint32_t i=0;i<n;i++) {
		uint32_t r;
		if (i&1) { stub_value v[1]={(stub_value)VALUE_INT32<<48|i}; r=(uint32_t)wasm_enter_js(step_c[1], v, 1);} else { a[0]=i; wasm_enter_native(step_c[0], a); r=(uint32_t)a[0]; }
		x = x*31+r;
	}
	printf("%08x\n", x);
}
int main(int argc, char**argv)
{
	char error[WASM_ERROR];
	struct code_memory *code; struct stub_space space; struct wasm_module *m; struct wasm_thread t; struct wasm_instance *in; struct wasi w;
	(void)argc;
	struct code_config cc={.wx=CODE_TOGGLE,.quantum=4096};
	struct stub_config sc={.defaults=true};
	int e=code_open(&code,&cc);
	for (int i=0; stub_strategies[i]; i++) {
	printf("%s\n", stub_strategies[i]->name);
	e=stub_space_open(&space, stub_strategies[i], code,&sc,&wasm_stub_runtime);
	if (e) {printf("space %d\n", e); return 1;}
	e=wasm_module_open(&m, code, argv[1], argv[2], error);
	if (e) {puts(error);return 1;}
	struct jit_object o; unsigned tier=atoi(argv[3]);
	if (wasm_module_compile(m,tier,NULL,&o,error)||wasm_module_load(m,tier,&o,16,error)) {puts(error);return 1;}
	wasm_thread_open(&t);
	wasi_open(&w,NULL,0,1);
	if (wasm_instance_open(&in,m,&space,&t,&w,error)) {puts(error);return 1;}
	steps_c=wasm_instance_export(in,wasm_module_export(m,"steps"),STUB_ENTRY_NATIVE);
	step_c[0]=wasm_instance_export(in,wasm_module_export(m,"step"),STUB_ENTRY_NATIVE);
	step_c[1]=wasm_instance_export(in,wasm_module_export(m,"step"),STUB_ENTRY_JS);
	int end=wasm_run(&t,body,in,error);
	printf("end %d %s\n", end, error);
	size_t n; const char *s=wasi_output(&w,&n); fwrite(s,1,n,stdout);
	struct wasm_instance_stats st; wasm_instance_stats(in,&st); printf("bound %u in %lu ns, open %lu, rebound %lu heap %lu\n", st.bound, st.bind_ns, st.open_ns, st.rebound, st.heap);
	wasm_instance_close(in); wasm_module_close(m); wasi_close(&w); stub_space_close(&space); jit_object_free(&o);
	}
	code_close(code);
	return 0;
}

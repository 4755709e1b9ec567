// mozjs.cc - a shell of SpiderMonkey for ring.js: print, readline and now, and no more. The library
// is Debian's; it always takes write access from its code, and has no option for it.
//
//   mozjs FILE.js...
//
// package: libmozjs-102-dev
#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>

#include <js/CallArgs.h>
#include <js/CompilationAndEvaluation.h>
#include <js/Conversions.h>
#include <js/ErrorReport.h>
#include <js/Exception.h>
#include <js/Initialization.h>
#include <js/SourceText.h>
#include <jsapi.h>
#include <jsfriendapi.h>

static bool print(JSContext *cx, unsigned argc, JS::Value *vp)
{
	JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
	JS::RootedString s(cx, JS::ToString(cx, args.get(0)));
	JS::UniqueChars text = s ? JS_EncodeStringToUTF8(cx, s) : nullptr;

	if (!text)
		return false;
	puts(text.get());
	fflush(stdout);
	args.rval().setUndefined();
	return true;
}

static bool readline(JSContext *cx, unsigned argc, JS::Value *vp)
{
	std::string line;

	std::getline(std::cin, line);
	JS::CallArgsFromVp(argc, vp).rval().setUndefined();
	return true;
}

static bool now(JSContext *cx, unsigned argc, JS::Value *vp)
{
	std::chrono::duration<double, std::milli> t =
	    std::chrono::steady_clock::now().time_since_epoch();

	JS::CallArgsFromVp(argc, vp).rval().setDouble(t.count());
	return true;
}

// Says an exception; the exit status is the caller's.
static int failed(JSContext *cx)
{
	JS::ExceptionStack stack(cx);
	JS::ErrorReportBuilder report(cx);

	if (JS::StealPendingExceptionStack(cx, &stack) &&
	    report.init(cx, stack, JS::ErrorReportBuilder::WithSideEffects))
		fprintf(stderr, "%s\n", report.toStringResult().c_str());
	return 1;
}

int main(int argc, char **argv)
{
	static const JSClass global = { "global", JSCLASS_GLOBAL_FLAGS, &JS::DefaultGlobalClassOps };

	if (!JS_Init())
		return 1;
	JSContext *cx = JS_NewContext(64 << 20);
	if (!cx || !js::UseInternalJobQueues(cx) || !JS::InitSelfHostedCode(cx))
		return 1;
	{
		JS::RealmOptions options;
		JS::RootedObject g(cx, JS_NewGlobalObject(cx, &global, nullptr,
							  JS::FireOnNewGlobalHook, options));
		JSAutoRealm in(cx, g);

		if (!JS_DefineFunction(cx, g, "print", print, 1, 0) ||
		    !JS_DefineFunction(cx, g, "readline", readline, 0, 0) ||
		    !JS_DefineFunction(cx, g, "now", now, 0, 0))
			return failed(cx);
		for (int i = 1; i < argc; i++) {
			JS::CompileOptions compile(cx);
			JS::RootedValue value(cx);

			if (!JS::EvaluateUtf8Path(cx, compile, argv[i], &value))
				return failed(cx);
			js::RunJobs(cx);
		}
	}
	JS_DestroyContext(cx);
	JS_ShutDown();
	return 0;
}

// Upcalls.java - N functions of Java called from C in turn, each through HotSpot's stub for an upcall, at one
// call site (upcalls.c); scripts/peers/engines looks at the process's code at each mark.
//
//   java Upcalls LIBRARY N SEED
//
// java.lang.foreign, of Java 22 and later, is reached by reflection: the compiler may be an older one.
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Array;
import java.lang.reflect.Method;
import java.nio.file.Path;

final class Upcalls {
	static final int WARM = 200_000, CALLS = 100_000;
	static final long SETTLE = 4_000_000_000L; // ns

	static final String FOREIGN = "java.lang.foreign.";
	static Class<?> layout, segment, descriptor, linkerClass, arenaClass;
	static Object linker, arena, lookup, of_int, of_long, of_double, options;

	static int add(int constant, int x) {
		return x + constant;
	}

	static Object layout(String name) throws Exception {
		return Class.forName(FOREIGN + "ValueLayout").getField(name).get(null);
	}

	static Object[] layouts(Object... all) {
		Object[] array = (Object[]) Array.newInstance(layout, all.length);
		System.arraycopy(all, 0, array, 0, all.length);
		return array;
	}

	static Object type(Object result, Object... parameters) throws Exception {
		Class<?> array = layouts().getClass();
		return result == null
			? descriptor.getMethod("ofVoid", array).invoke(null, (Object) layouts(parameters))
			: descriptor.getMethod("of", layout, array).invoke(null, result, layouts(parameters));
	}

	// A function of the library.
	static MethodHandle function(String name, Object type) throws Exception {
		Method find = Class.forName(FOREIGN + "SymbolLookup").getMethod("find", String.class);
		Object at = ((java.util.Optional<?>) find.invoke(lookup, name)).orElseThrow();
		return (MethodHandle) linkerClass.getMethod("downcallHandle", segment, descriptor, options.getClass())
			.invoke(linker, at, type, options);
	}

	public static void main(String[] words) throws Throwable {
		int n = Integer.parseInt(words[1]), seed = Integer.parseInt(words[2]);

		layout = Class.forName(FOREIGN + "MemoryLayout");
		segment = Class.forName(FOREIGN + "MemorySegment");
		descriptor = Class.forName(FOREIGN + "FunctionDescriptor");
		linkerClass = Class.forName(FOREIGN + "Linker");
		arenaClass = Class.forName(FOREIGN + "Arena");
		linker = linkerClass.getMethod("nativeLinker").invoke(null);
		arena = arenaClass.getMethod("global").invoke(null);
		options = Array.newInstance(Class.forName(FOREIGN + "Linker$Option"), 0);
		of_int = layout("JAVA_INT");
		of_long = layout("JAVA_LONG");
		of_double = layout("JAVA_DOUBLE");
		lookup = Class.forName(FOREIGN + "SymbolLookup").getMethod("libraryLookup", Path.class, arenaClass)
			.invoke(null, Path.of(words[0]), arena);
		MethodHandle clear = function("ring_clear", type(null)), take = function("ring_add", type(null, of_long)),
			one = function("ring_one", type(null)), rounds = function("ring_rounds", type(of_int, of_int, of_int)),
			time = function("ring_time", type(of_double, of_int));
		MethodHandle target = MethodHandles.lookup().findStatic(Upcalls.class, "add",
			MethodType.methodType(int.class, int.class, int.class));
		Method stub = linkerClass.getMethod("upcallStub", MethodHandle.class, descriptor, arenaClass, options.getClass());
		Method address = segment.getMethod("address");
		Object type = type(of_int, of_int);
		int[] order = new int[n];

		for (int i = 0; i < n; i++)
			order[i] = i;
		for (int i = n - 1; i > 0; i--) {
			seed = seed * 1664525 + 1013904223;
			int k = (int) (Integer.toUnsignedLong(seed) * (i + 1) >>> 32), t = order[i];
			order[i] = order[k];
			order[k] = t;
		}
		for (int i = 0; i < 64; i++)
			take.invoke((long) address.invoke(stub.invoke(linker, MethodHandles.insertArguments(target, 0, i), type, arena, options)));
		int x = (int) rounds.invoke(WARM / 64, 0);
		Thread.sleep(300);
		x = (int) rounds.invoke(WARM / 64, 0);
		clear.invoke();

		mark("before");
		long begun = System.nanoTime();
		for (int i = 0; i < n; i++)
			take.invoke((long) address.invoke(stub.invoke(linker, MethodHandles.insertArguments(target, 0, order[i]), type, arena, options)));
		x = (int) rounds.invoke(1, 0);
		double first = (System.nanoTime() - begun) / (double) n;
		if (x != n * (n - 1) / 2)
			throw new IllegalStateException("a wrong sum");
		mark("after");
		// Each function has to be called some thousand times before it is compiled.
		for (long until = System.nanoTime() + SETTLE; System.nanoTime() < until;)
			x = (int) rounds.invoke(100, 0);
		double call = (double) time.invoke((CALLS + n - 1) / n);
		one.invoke();
		double alone = (double) time.invoke((CALLS + n - 1) / n);
		if (call < 0 || alone < 0)
			throw new IllegalStateException("a wrong sum");
		System.out.println("tell {\"n\": " + n + ", \"make\": " + Math.max(0, first - call) +
			", \"call\": " + call + ", \"one\": " + alone + "}");
	}

	static void mark(String name) throws Exception {
		System.out.println("mark " + name);
		System.in.read();
	}
}

//! Wasmtime's own reader of stack maps (wasmtime-environ's StackMap) on the section of a .cwasm, or on
//! such a section alone, beside ours: wasmtime-reader FILE NAME PCS ENCODER=FILE... (../pair.h)
use object::{Object, ObjectSection};
use std::ffi::{c_char, c_int, CString};
use std::hint::black_box;
use std::sync::OnceLock;
use wasmtime_environ::StackMap;

const PLACES: usize = 1 << 16;

#[repr(C)]
struct Answer {
    frame_size: u32,
    nplaces: u32,
    places: [u32; PLACES],
}

#[repr(C)]
struct Reader {
    answer: extern "C" fn(u32, *mut Answer) -> c_int,
    pass: extern "C" fn(*const u32, usize, c_int) -> u64,
    exact: c_int,
    bytes: *const u8,
    len: usize,
}

extern "C" {
    fn pair_main(argc: c_int, argv: *mut *mut c_char, theirs: *const Reader) -> c_int;
}

static SECTION: OnceLock<Vec<u8>> = OnceLock::new();

fn section() -> &'static [u8] {
    SECTION.get().unwrap()
}

extern "C" fn answer(pc: u32, out: *mut Answer) -> c_int {
    let out = unsafe { &mut *out };
    let Some(map) = StackMap::lookup(pc, section()) else {
        return 0;
    };
    out.frame_size = map.frame_size();
    out.nplaces = 0;
    for offset in map.offsets() {
        assert!(offset % 4 == 0 && (out.nplaces as usize) < PLACES);
        out.places[out.nplaces as usize] = offset / 4;
        out.nplaces += 1;
    }
    1
}

extern "C" fn pass(pcs: *const u32, n: usize, places: c_int) -> u64 {
    let pcs = unsafe { std::slice::from_raw_parts(pcs, n) };
    let (section, zero) = (section(), black_box(0u64));
    let mut sum = 0u64;
    for &pc in pcs {
        let Some(map) = StackMap::lookup(pc + (sum & zero) as u32, section) else {
            sum += 1;
            continue;
        };
        sum += map.frame_size() as u64;
        if places != 0 {
            for offset in map.offsets() {
                sum += offset as u64;
            }
        }
    }
    sum
}

fn stack_maps(path: &str) -> Result<Vec<u8>, String> {
    let file = std::fs::read(path).map_err(|e| e.to_string())?;
    if !path.ends_with(".cwasm") {
        return Ok(file);
    }
    let elf = object::File::parse(&file[..]).map_err(|e| e.to_string())?;
    let section = elf
        .section_by_name(".wasmtime.stackmap")
        .ok_or("no section .wasmtime.stackmap")?;
    Ok(section.data().map_err(|e| e.to_string())?.to_vec())
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let path = args.get(1).map(String::as_str).unwrap_or("");
    match stack_maps(path) {
        Ok(bytes) => SECTION.set(bytes).unwrap(),
        Err(why) => {
            eprintln!("wasmtime-reader: {path}: {why}");
            std::process::exit(2);
        }
    }
    let words: Vec<CString> = args[2..]
        .iter()
        .map(|word| CString::new(word.as_str()).unwrap())
        .collect();
    let mut argv: Vec<*mut c_char> = words.iter().map(|word| word.as_ptr() as *mut _).collect();
    argv.push(std::ptr::null_mut());
    let theirs = Reader {
        answer,
        pass,
        exact: 1,
        bytes: section().as_ptr(),
        len: section().len(),
    };
    std::process::exit(unsafe { pair_main(words.len() as c_int, argv.as_mut_ptr(), &theirs) });
}

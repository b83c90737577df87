import CBPF
import Glibc

/// A compiled object file that was opened and not loaded yet: the time to set constants and sizes and
/// to say which maps exist already.
public struct BPFObject: ~Copyable {
    public let path: String
    private let handle: ObjectHandle

    /// - Throws: if the file doesn't exist or is no BPF object.
    public init(path: String) throws(BPFError) {
        let (opened, log) = LibraryLog.capture { (bpf_object__open(path), errno) }
        guard let object = opened.0 else { throw BPFError("open BPF object", path, code: opened.1, log: log) }
        self.path = path
        handle = ObjectHandle(object)
    }

    /// Sets a `const volatile` variable of the programs, one of `.rodata`.
    /// - Throws: if there is none of that name and size.
    public mutating func setConstant<T>(_ name: String, to value: T) throws(BPFError) {
        let place = try ReadOnlyData(of: handle.pointer, path: path).place(of: name)
        guard place.count == MemoryLayout<T>.size else {
            throw BPFError(
                "set constant of \(MemoryLayout<T>.size) bytes", "\(name) in \(path), which has \(place.count)",
                code: EINVAL)
        }
        withUnsafeBytes(of: value) { place.copyMemory(from: $0) }
    }

    /// Sets the number of entries with which a map will be made.
    public mutating func setCapacity(of map: String, to entries: UInt32) throws(BPFError) {
        let status = bpf_map__set_max_entries(try find(map), entries)
        guard status == 0 else { throw BPFError("set the size of", "map \(map) in \(path)", code: status) }
    }

    /// The programs will use this map instead of one of their own.
    public mutating func reuse<Key, Value>(
        _ map: borrowing BPFMap<Key, Value>, as name: String
    ) throws(BPFError) {
        try reuse(map.descriptor.raw, as: name)
    }

    public mutating func reuse(_ map: BPFMapHandle, as name: String) throws(BPFError) {
        try reuse(map.descriptor.raw, as: name)
    }

    private mutating func reuse(_ descriptor: Int32, as name: String) throws(BPFError) {
        let target = try find(name)
        let (status, log) = LibraryLog.capture { bpf_map__reuse_fd(target, descriptor) }
        guard status == 0 else { throw BPFError("reuse", "map \(name) in \(path)", code: status, log: log) }
    }

    /// Loads these programs of the object and no others.
    public mutating func select(programs names: [String]) throws(BPFError) {
        var missing = Set(names)
        var program = bpf_object__next_program(handle.pointer, nil)
        while let current = program {
            let name = String(cString: bpf_program__name(current))
            let wanted = missing.remove(name) != nil
            bpf_program__set_autoload(current, wanted)
            program = bpf_object__next_program(handle.pointer, current)
        }
        guard let name = missing.sorted().first else { return }
        throw BPFError("find program", "\(name) in \(path)", code: ENOENT)
    }

    /// The maps that the object describes, those of its variables (`.rodata`, `.bss`) left out.
    public borrowing func maps() -> [BPFMapDescription] {
        var found: [BPFMapDescription] = []
        var map = bpf_object__next_map(handle.pointer, nil)
        while let current = map {
            let description = BPFMapDescription(ofUnloaded: current)
            if !description.name.contains(".") { found.append(description) }
            map = bpf_object__next_map(handle.pointer, current)
        }
        return found
    }

    /// Names of the programs in it.
    public borrowing func programs() -> [String] {
        var names: [String] = []
        var program = bpf_object__next_program(handle.pointer, nil)
        while let current = program {
            names.append(String(cString: bpf_program__name(current)))
            program = bpf_object__next_program(handle.pointer, current)
        }
        return names
    }

    /// Makes the maps that don't exist yet, and has the kernel verify the programs.
    /// - Throws: with the verifier's output if the kernel refuses one.
    public consuming func load() throws(BPFError) -> LoadedBPFObject {
        let pointer = handle.pointer
        let (status, log) = LibraryLog.capture { bpf_object__load(pointer) }
        guard status == 0 else { throw BPFError("load BPF object", path, code: status, log: log) }
        return LoadedBPFObject(path: path, handle: handle)
    }

    private borrowing func find(_ map: String) throws(BPFError) -> OpaquePointer {
        guard let found = bpf_object__find_map_by_name(handle.pointer, map) else {
            throw BPFError("find map", "\(map) in \(path)", code: ENOENT)
        }
        return found
    }
}

/// An object whose programs and maps are in the kernel. What is taken out of it stays there when it goes.
public struct LoadedBPFObject: ~Copyable {
    public let path: String
    private let handle: ObjectHandle

    fileprivate init(path: String, handle: consuming ObjectHandle) {
        self.path = path
        self.handle = handle
    }

    public borrowing func program(_ name: String) throws(BPFError) -> BPFProgram {
        guard let found = bpf_object__find_program_by_name(handle.pointer, name), bpf_program__fd(found) >= 0 else {
            throw BPFError("find loaded program", "\(name) in \(path)", code: ENOENT)
        }
        return BPFProgram(try copy(of: bpf_program__fd(found), name), name: name)
    }

    /// - Throws: if there is no map of that name, or its keys and values have other sizes.
    public borrowing func map<Key, Value>(
        _ name: String, _: Key.Type = Key.self, _: Value.Type = Value.self
    ) throws(BPFError) -> BPFMap<Key, Value> {
        let descriptor = bpf_object__find_map_fd_by_name(handle.pointer, name)
        guard descriptor >= 0 else { throw BPFError("find map", "\(name) in \(path)", code: ENOENT) }
        return try BPFMap(try copy(of: descriptor, name), named: name)
    }

    /// A map of any type.
    public borrowing func handle(_ name: String) throws(BPFError) -> BPFMapHandle {
        let descriptor = bpf_object__find_map_fd_by_name(handle.pointer, name)
        guard descriptor >= 0 else { throw BPFError("find map", "\(name) in \(path)", code: ENOENT) }
        return try BPFMapHandle(try copy(of: descriptor, name), named: name)
    }

    private borrowing func copy(of descriptor: Int32, _ name: String) throws(BPFError) -> Descriptor {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw BPFError("duplicate the descriptor of", name, code: errno) }
        return Descriptor(copy)
    }
}

/// libbpf's object, closed with its owner.
struct ObjectHandle: ~Copyable {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { self.pointer = pointer }

    deinit { bpf_object__close(pointer) }
}

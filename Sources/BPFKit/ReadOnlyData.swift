import CBPF
import Glibc

/// The `.rodata` of an object that isn't loaded yet, with the places of its variables from BTF.
struct ReadOnlyData {
    private let object: OpaquePointer
    private let path: String
    private let bytes: UnsafeMutableRawBufferPointer

    init(of object: OpaquePointer, path: String) throws(BPFError) {
        var size = 0
        guard let map = bpf_object__find_map_by_name(object, ".rodata"),
            let start = bpf_map__initial_value(map, &size)
        else {
            throw BPFError("find constants", "(.rodata) in \(path)", code: ENOENT)
        }
        self.object = object
        self.path = path
        bytes = UnsafeMutableRawBufferPointer(start: UnsafeMutableRawPointer(mutating: start), count: size)
    }

    /// Where the variable is.
    func place(of name: String) throws(BPFError) -> UnsafeMutableRawBufferPointer {
        let types = bpf_object__btf(object)
        let section = btf__find_by_name_kind(
            types, ".rodata", 15 /* BTF_KIND_DATASEC, which is both a macro and an enumerator */)
        guard let types, section > 0, let description = btf__type_by_id(types, UInt32(section)) else {
            throw BPFError("find the types of constants", "in \(path)", code: ENOENT)
        }
        let variables = UnsafeBufferPointer(start: btf_var_secinfos(description), count: Int(btf_vlen(description)))
        for variable in variables {
            guard let type = btf__type_by_id(types, variable.type),
                let text = btf__name_by_offset(types, type.pointee.name_off), String(cString: text) == name,
                Int(variable.offset) + Int(variable.size) <= bytes.count
            else { continue }
            return UnsafeMutableRawBufferPointer(
                rebasing: bytes[Int(variable.offset)..<Int(variable.offset) + Int(variable.size)])
        }
        throw BPFError("find constant", "\(name) in \(path)", code: ENOENT)
    }
}

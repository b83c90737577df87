import BPFKit
import FlowAnchorABI

/// `fa_kernel_path`: what the kernel's routes said last, for each processor that has asked them.
struct KernelPathView: MapView {
    typealias Record = (processor: Int, path: fa_path)

    let maps: SharedMaps

    func scan(_ body: (Record) -> Bool) throws(DataPlaneError) {
        let paths = try Result { () throws(BPFError) in try maps.kernelPath.values(0) }.unwrapped()
        // The programs use the first copy alone; its flags are 0 as long as they never did.
        for (processor, path) in paths.enumerated() where path.copies.0.flags != 0 {
            if !body((processor, path)) { return }
        }
    }

    func matcher(_ key: String) throws(DataPlaneError) -> (Record) -> Bool {
        let processor = try KeyText.processor(key)
        return { $0.processor == processor }
    }

    func entry(_ record: Record) -> MapEntry {
        var fields = record.path.copies.0.fields
        // Not a port here, but what the kernel numbers.
        let interface = record.path.copies.0.port
        fields["interface"] = FieldText.interface(interface) ?? "none"
        fields["interface-index"] = "\(interface)"
        return MapEntry(key: KeyText.processor(record.processor), fields: fields)
    }
}

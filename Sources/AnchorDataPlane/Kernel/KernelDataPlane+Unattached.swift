import BPFKit

extension KernelDataPlane {
    /// The programs of the port's role over this instance's tables, in the kernel but on no interface: to
    /// run them on packets by hand.
    /// - Parameter transmits: whether what leaves by the port that it came in by is sent back by `XDP_TX`.
    public func unattachedPrograms(
        _ index: PortIndex, transmits: Bool = false
    ) throws(DataPlaneError) -> LoadedBPFObject {
        guard let port = port(index) else { throw .invalid("port \(index) isn't described yet") }
        do throws(BPFError) {
            return try load(index, port, transmits: transmits)
        } catch {
            throw .bpf(error)
        }
    }
}

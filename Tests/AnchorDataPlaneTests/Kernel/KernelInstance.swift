import Glibc
import NetworkTypes
import Testing

@testable import AnchorDataPlane

/// An instance of a test's own, unloaded when the test ends however it does.
final class KernelInstance {
    let options: KernelDataPlane.Options
    private(set) var dataPlane: KernelDataPlane?

    init(
        _ name: String, program: KernelDataPlane.Program = .accessRouter, hostCapacity: Int = 1024,
        spillCapacity: Int = 64, nat: NATCapacity? = nil
    ) throws {
        options = KernelDataPlane.Options(
            instance: "test-\(getpid())-\(name)", program: program, hostCapacity: hostCapacity,
            spillCapacity: spillCapacity, nat: nat)
        dataPlane = try KernelDataPlane(options)
    }

    /// Lets go of the data plane as the end of the process would, and opens it again.
    func restart(_ change: (inout KernelDataPlane.Options) -> Void = { _ in }) throws -> KernelDataPlane {
        release()
        var options = options
        change(&options)
        let opened = try KernelDataPlane(options)
        dataPlane = opened
        return opened
    }

    /// Closes the data plane as the end of the process would.
    func release() {
        dataPlane?.lock.release()
        dataPlane = nil
    }

    deinit {
        release()
        _ = try? KernelDataPlane.unload(options)
    }
}

extension HostEntry {
    /// Attached to port 1.
    static func attached(_ address: IPAddress, node: UInt32 = 1, mac: UInt64 = 0x02_00_00_00_00_01) -> HostEntry {
        HostEntry(key: HostKey(address), node: node, attachment: HostAttachment(mac: MACAddress(bits: mac), port: 1))
    }

    static func tunnelled(_ address: IPAddress, to peer: IPAddress, path: PathIndex, node: UInt32 = 1) -> HostEntry {
        HostEntry(key: HostKey(address), node: node, tunnel: HostTunnel(peer: peer, kind: .ipip, path: path))
    }
}

extension IPAddress {
    /// 10.0.0.0 and so many.
    static func ten(_ number: Int) -> IPAddress { IPAddress(v4: 0x0a00_0000 + UInt32(number)) }
    /// 192.0.2.0 and so many.
    static func documentation(_ number: Int) -> IPAddress { IPAddress(v4: 0xc000_0200 + UInt32(number)) }
}

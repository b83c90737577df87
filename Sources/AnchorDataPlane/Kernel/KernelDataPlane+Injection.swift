import BPFKit
import FlowAnchorABI

/// A program that is attached, for frames that the daemon sends through it.
final class AttachedProgram: Sendable {
    let program: BPFProgram

    init(_ program: consuming BPFProgram) { self.program = program }
}

extension KernelDataPlane {
    /// Has the port's program deal with a frame of the programs' events as if its interface had received it: nothing has
    /// to go before it.
    /// - Throws: for a port that no program of this process is attached to.
    public func inject(_ frame: [UInt8], on index: PortIndex) throws(DataPlaneError) {
        let found = state.withLock { state -> (AttachedProgram, Port)? in
            guard let program = state.attached[index], let port = state.ports[index] else { return nil }
            return (program, port)
        }
        guard let (attached, port) = found else { throw .invalid("port \(index) has no program yet") }
        try Result { () throws(BPFError) in
            try attached.program.sendLive(
                frame, interface: UInt32(port.interfaceIndex), count: 1, batch: 1,
                metadata: [FA_HANDED_BACK])
        }.unwrapped()
    }

    /// For the next second or two, packets of hosts that are ``HostEntry/isDraining`` don't overtake what is in the
    /// programs' events; should nobody read those any more, they wait no longer.
    public func letDrain() throws(DataPlaneError) {
        let now = try Result { () throws(BPFError) in try clock.now() }.unwrapped()
        state.withLock { _ in
            var config = maps.config[0]
            config.drains_until = now &+ Self.drainTicks
            maps.config.rewrite(0, with: config)
        }
    }

    /// At least one whole tick of 256 jiffies, wherever in one it begins.
    private static let drainTicks: UInt32 = 2
}

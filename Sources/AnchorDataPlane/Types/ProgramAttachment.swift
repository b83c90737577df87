import BPFKit

/// Programs on one interface, as ``KernelDataPlane/attach(_:)`` has put them there.
public struct ProgramAttachment: Hashable, Sendable {
    public enum Mode: String, Hashable, Sendable, Codable {
        /// XDP in the driver.
        case native
        /// XDP in the kernel's generic receive path.
        case generic
        /// Traffic control, ingress and egress.
        case tc
    }

    public var port: PortIndex
    public var interface: String
    public var programs: [String]
    public var mode: Mode
    /// Whether programs of a former process or version were replaced, under traffic.
    public var hasReplaced: Bool
    /// Why the driver didn't take the program, for the log.
    public var fallback: BPFError?

    public init(
        port: PortIndex, interface: String, programs: [String], mode: Mode, hasReplaced: Bool,
        fallback: BPFError? = nil
    ) {
        self.port = port
        self.interface = interface
        self.programs = programs
        self.mode = mode
        self.hasReplaced = hasReplaced
        self.fallback = fallback
    }
}

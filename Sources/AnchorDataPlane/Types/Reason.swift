import FlowAnchorABI

/// Why a packet left a program otherwise than by a plain pass; one list with the BPF programs
/// (`fa_reasons.h`).
public struct Reason: Hashable, Sendable {
    /// The number in this build; no part of any interface.
    public let number: UInt32

    public init?(number: UInt32) {
        guard number > 0, number < FA_REASON_COUNT.rawValue else { return nil }
        self.number = number
    }

    /// By its name, such as `source_unknown`.
    public init?(name: String) {
        guard let found = Reason.byName[name] else { return nil }
        self = found
    }

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// What became of the packet.
    public enum Kind: String, Sendable, CaseIterable, Codable {
        case forward, kernel, drop
    }

    public static let all: [Reason] = (1..<FA_REASON_COUNT.rawValue).compactMap { Reason(number: $0) }

    /// The same in C, on the command line, in metrics and in the manual.
    public var name: String { String(cString: fa_reason_name(fa_reason(number))) }
    /// One sentence's worth of explanation.
    public var text: String { String(cString: fa_reason_text(fa_reason(number))) }
    public var kind: Kind {
        switch fa_reason_kind(fa_reason(number)) {
        case FA_KIND_forward: .forward
        case FA_KIND_kernel: .kernel
        default: .drop
        }
    }
}

extension Reason: CustomStringConvertible {
    public var description: String { name }
}

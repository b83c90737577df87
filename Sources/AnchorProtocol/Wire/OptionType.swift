/// The kinds of options. A receiver that does not know the kind of an option skips it, unless its highest bit is set
/// (critical): then the whole message is refused with `unknownCriticalOption`.
enum OptionType {
    static let critical: UInt16 = 0x8000

    static let inReplyTo: UInt16 = 0x8001
    static let address: UInt16 = 0x8002
    static let careOf: UInt16 = 0x8003
    static let tunnel: UInt16 = 0x8004
    static let lifetime: UInt16 = 0x0005
    static let linkAddress: UInt16 = 0x8006
    static let endpoint: UInt16 = 0x0007
    static let capabilities: UInt16 = 0x0008
    static let prefix: UInt16 = 0x0009
    static let lease: UInt16 = 0x800a
    static let previousAddress: UInt16 = 0x000b
    static let mtu: UInt16 = 0x000c
    static let greKey: UInt16 = 0x000d
    static let interval: UInt16 = 0x000e
    static let errorCode: UInt16 = 0x800f
    static let text: UInt16 = 0x0010
    static let receiverView: UInt16 = 0x0011
    static let padding: UInt16 = 0x0012
}

/// Kinds of options of messages between routers, beside those of ``OptionType`` that they share, such as tunnel endpoint
/// and text. The same rules: who does not know one skips it unless its highest bit is set.
enum PeerOptionType {
    static let name: UInt16 = 0x8101
    static let boot: UInt16 = 0x8102
    static let epoch: UInt16 = 0x8103
    static let router: UInt16 = 0x8104
    static let closeCode: UInt16 = 0x8105
    static let realm: UInt16 = 0x8106
    static let age: UInt16 = 0x8107
    static let anchor: UInt16 = 0x8108
    static let pending: UInt16 = 0x8109
    static let anchorsTold: UInt16 = 0x810a
    static let partial: UInt16 = 0x810b
    static let other: UInt16 = 0x810c
}

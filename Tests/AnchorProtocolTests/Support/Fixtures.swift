import AnchorProtocol
import NetworkTypes

/// Node 1 and router 42 share the key 01 02 … 20.
enum Fixture {
    static let node: UInt64 = 1
    static let router: UInt64 = 42
    static let key = [UInt8](1...32)
    static let association = try! SecurityAssociation(spi: 257, node: node, key: key)
    static let ring = KeyRing([association])
    /// Of what the router refers to in its answers.
    static let request = MessageReference(epoch: 7, sequence: 9)

    static func fromNode(spi: UInt32 = 257, recipient: UInt64 = router) -> MessageHeader {
        MessageHeader(spi: spi, epoch: 7, sequence: 9, sender: node, recipient: recipient)
    }

    static func fromRouter(spi: UInt32 = 257, recipient: UInt64 = node) -> MessageHeader {
        MessageHeader(spi: spi, epoch: 3, sequence: 5, sender: router, recipient: recipient)
    }

    static func encode(_ message: AnchorMessage) -> [UInt8] {
        message.encoded(with: message.header.spi == 0 ? nil : association)
    }

    /// Reads as the one whom the message is for.
    static func open(_ bytes: [UInt8], as own: UInt64? = nil) throws(MessageError) -> AnchorMessage {
        try ring.open(bytes, as: own ?? MessageHeader(guessing: bytes)?.recipient ?? 0).message
    }
}

func ip(_ text: String) -> IPAddress { IPAddress(text)! }
func mac(_ text: String) -> MACAddress { MACAddress(text)! }
func block(_ text: String) -> IPPrefix { IPPrefix(text)! }

/// Why a payload is no message about a host that roams, with the value that offends.
public enum RoamingMessageError: Error, Hashable, Sendable {
    /// No message about hosts that roam has this type.
    case unknownType(UInt8)
    /// A message of that type can't have so many bytes.
    case payloadLength(RoamingMessageType, length: Int)
    /// An option is not what it should be.
    case option(MessageError)
    case missingOption(RoamingMessageType, type: UInt16)
    /// Epochs begin at 1.
    case zeroEpoch(RoamingMessageType)
    /// Empty, too long or no UTF-8.
    case badName(RoamingMessageType)
    /// A router is named twice in one list.
    case repeatedName(RoamingMessageType, String)
    /// A field of a table of flows holds what it can't.
    case tableField(FlowsField, value: UInt64)
    /// The flow of that number names an anchor that isn't in the list.
    case flowAnchor(index: Int, anchor: UInt8)
    /// The flow of that number is of a protocol that isn't translated.
    case flowProtocol(index: Int, value: UInt8)

    /// Fields before the flows.
    public enum FlowsField: String, Hashable, Sendable, CaseIterable {
        case flags
        case addressLength = "address length"
        case address
        case anchorCount = "count of anchors"
        case reserved
    }
}

extension RoamingMessageError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknownType(let type): "no message about a host has type \(type)"
        case .payloadLength(let message, let length): "\(message) cannot have \(length) bytes"
        case .option(let error): "\(error)"
        case .missingOption(let message, let type): "\(message) without option 0x\(String(type, radix: 16))"
        case .zeroEpoch(let message): "\(message) of epoch 0"
        case .badName(let message): "\(message) names a router whose name is none"
        case .repeatedName(let message, let name): "\(message) names router \(name) twice"
        case .tableField(let field, let value): "a table of flows whose \(field.rawValue) is \(value)"
        case .flowAnchor(let index, let anchor): "flow \(index) of a table names anchor \(anchor), which is not in it"
        case .flowProtocol(let index, let value): "flow \(index) of a table is of protocol \(value)"
        }
    }
}

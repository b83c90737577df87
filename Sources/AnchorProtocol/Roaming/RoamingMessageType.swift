/// Types of the messages about hosts that roam, in sessions between routers.
public enum RoamingMessageType: UInt8, Hashable, Sendable, CaseIterable {
    case claim = 16
    case grant = 17
    case unknown = 18
    case held = 19
    case moved = 20
    case movedAck = 21
    case flows = 22
    case flowsAck = 23
    case release = 24
    case releaseAck = 25
    case gone = 26
    case station = 27
}

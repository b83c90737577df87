/// How many hosts are where.
public struct HostPlaces: Hashable, Sendable {
    public internal(set) var attached = 0
    public internal(set) var tunnelled = 0
    public internal(set) var both = 0

    public init() {}

    mutating func count(_ location: StoredLocation, _ difference: Int) {
        switch (location.isAttached, location.isTunnelled) {
        case (true, true): both += difference
        case (true, false): attached += difference
        case (false, true): tunnelled += difference
        case (false, false): break
        }
    }
}

extension AccessRouter {
    mutating func setLocation(_ slot: UInt32, _ location: StoredLocation) {
        places.count(hosts[slot].location, -1)
        places.count(location, 1)
        hosts[slot].location = location
    }
}

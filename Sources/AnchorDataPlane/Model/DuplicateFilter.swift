/// Lets through one copy of each packet that comes on two ways at once (row A9, [0052]).
///
/// Equal packets may be legitimate (two pure acknowledgements), so it counts instead of remembering: a
/// copy is new where more equal ones have come on its own way than on the other. Whatever is lost on
/// one way, as many are let through as came on the better way.
struct DuplicateFilter {
    private var counts: [[UInt8]: (direct: Int, tunnelled: Int)] = [:]

    enum Way {
        case direct, tunnelled
    }

    mutating func isNew(_ content: [UInt8], on way: Way) -> Bool {
        var count = counts[content] ?? (0, 0)
        switch way {
        case .direct: count.direct += 1
        case .tunnelled: count.tunnelled += 1
        }
        counts[content] = count
        return way == .direct ? count.direct > count.tunnelled : count.tunnelled > count.direct
    }
}

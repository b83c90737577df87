import AnchorCore
import AnchorProtocol
import NetworkTypes

/// Sessions between routers: in order, and nothing lost but what is on its way when one ends.
extension RoamingSimulation {
    func pair(_ a: Int, _ b: Int) -> [Int] { [min(a, b), max(a, b)] }

    func transmit(_ message: RoamingMessage, from: Int, to: Int) {
        let key = pair(from, to)
        guard let session = sessions[key], session.ends[from] == true else { return }
        statistics.messages += 1
        note("\(routers[from].name) > \(routers[to].name): \(message)")
        guard session.isUp, let encoded = try? RoamingMessage(type: message.type, payload: message.encoded) else {
            return
        }
        let time = max(session.latest[to] ?? now, now + delay(key))
        sessions[key]!.latest[to] = time
        queue.plan(.message(encoded, from: from, to: to, session: session.number), at: time)
    }

    /// Of a message or a packet.
    func delay(_ key: [Int]) -> TimeSpan {
        let span = chance.microseconds(30...scenario.longestDelay)
        return key == scenario.distant ? max(span, .milliseconds(8)) : span
    }

    func arrive(_ message: RoamingMessage, from: Int, to: Int, _ number: Int) {
        guard let session = sessions[pair(from, to)], session.isUp, session.number == number else { return }
        drive(to, .message(message, from: routers[from].name))
    }

    func connect(_ key: [Int]) {
        guard sessions[key]?.isUp != true, !partitions.contains(key), key.allSatisfy({ routers[$0].machine != nil }),
            sessions[key]?.ends.values.contains(true) != true
        else { return }
        var session = sessions[key] ?? Session()
        session.number += 1
        session.isUp = true
        session.changed = now
        session.latest = [:]
        sessions[key] = session
        for end in key { sessions[key]!.ends[end] = true }
        for end in key where sessions[key]!.ends[end] == true {
            drive(end, .up(routers[key.first { $0 != end }!].name))
        }
    }

    /// - Parameter sparing: an end that hears of nothing any more.
    func breakSession(_ key: [Int], sparing: Int? = nil) {
        guard var session = sessions[key] else { return }
        session.isUp = false
        session.changed = now
        if let sparing { session.ends[sparing] = false }
        sessions[key] = session
        for end in key where session.ends[end] == true {
            queue.plan(.session(key, isUp: false, end: end), at: now + chance.microseconds(10...200_000))
        }
    }

    func sessionEnd(_ key: [Int], isUp: Bool, _ end: Int) {
        guard sessions[key]?.ends[end] == true, sessions[key]?.isUp == false else { return }
        sessions[key]!.ends[end] = false
        drive(end, .down(routers[key.first { $0 != end }!].name))
        queue.plan(.connect(key), at: now + chance.milliseconds(1...500))
    }
}

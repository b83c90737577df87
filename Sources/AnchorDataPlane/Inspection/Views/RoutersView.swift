import FlowAnchorABI

/// `fa_routers`: the other routers that hosts are shared with, by number.
struct RoutersView: MapView {
    typealias Record = (index: Int, router: fa_router)

    let maps: SharedMaps

    func scan(_ body: (Record) -> Bool) {
        for index in 0..<maps.routers.count {
            let router = maps.routers[index]
            guard router.path != 0 else { continue }
            if !body((index, router)) { return }
        }
    }

    /// A number, or an address.
    func matcher(_ key: String) throws(DataPlaneError) -> (Record) -> Bool {
        if let number = Int(key) { return { $0.index == number } }
        let address = try KeyText.address(key)
        return { $0.router.address.address == address }
    }

    func entry(_ record: Record) -> MapEntry { MapEntry(key: "\(record.index)", fields: record.router.fields) }
}

extension fa_router {
    var fields: [String: String] { ["address": "\(address.address)", "path": "\(path)"] }
}

import Netlink

extension MobileHost {
    func failed(_ change: () throws(NetlinkError) -> Void) -> NetlinkError? {
        do {
            try change()
            return nil
        } catch {
            onFailure(error)
            return error
        }
    }

    /// Errors that say that what was asked for is so already.
    func tolerating(_ codes: Int32..., change: () throws(NetlinkError) -> Void) {
        do {
            try change()
        } catch {
            if !codes.contains(error.code) { onFailure(error) }
        }
    }
}

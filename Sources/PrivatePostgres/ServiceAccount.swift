import Glibc

/// The user that PostgreSQL runs as: Debian's `postgres` when this program runs as root, otherwise this user.
struct ServiceAccount: Sendable {
    let name: String
    let userID: UInt32
    let groupID: UInt32
    /// Whether the program has to change to it, since PostgreSQL refuses to run as root.
    let isOther: Bool

    /// Who connects: the name of the user that this program runs as.
    static func callerName() throws -> String {
        guard let entry = unsafe getpwuid(geteuid()), let name = unsafe entry.pointee.pw_name else {
            throw PrivatePostgresError(.system, "the system does not know the user that runs this program")
        }
        return unsafe String(cString: name)
    }

    static func choose() throws -> ServiceAccount {
        guard geteuid() == 0 else {
            return ServiceAccount(name: try callerName(), userID: geteuid(), groupID: getegid(), isOther: false)
        }
        guard let entry = unsafe getpwnam("postgres") else {
            throw PrivatePostgresError(
                .notInstalled, "PostgreSQL does not run as root, and there is no user postgres to run it as",
                hint: "apt-get install postgresql, or start as a normal user")
        }
        return unsafe ServiceAccount(
            name: "postgres", userID: entry.pointee.pw_uid, groupID: entry.pointee.pw_gid, isOther: true)
    }

    /// Gives a path to this user when it is another one.
    func takeOver(_ path: String) throws {
        guard isOther else { return }
        guard unsafe lchown(path, userID, groupID) == 0 else {
            throw PrivatePostgresError(.system, "\(path) cannot be given to the user \(name)")
        }
    }

    /// Refuses a place one of whose parents this user cannot enter, and names the first of them.
    func requireReach(_ path: String) throws {
        var parent = ""
        for part in path.split(separator: "/").dropLast() {
            parent += "/" + part
            var status = stat()
            guard unsafe stat(parent, &status) == 0 else { return }
            let bit: UInt32 = status.st_uid == userID ? 0o100 : status.st_gid == groupID ? 0o010 : 0o001
            guard status.st_mode & bit != 0 else {
                throw PrivatePostgresError(
                    .unreachable, "the user \(name) cannot reach \(path): the directory \(parent) bars the way",
                    hint: "choose a state directory elsewhere, or chmod o+x \(parent)")
            }
        }
    }
}

"""Work beside the next run, in a process of its own."""
import multiprocessing


class Beside:
    """Begins with function(*arguments); get() waits for what it returns. Begin it while no daemon
    has a connection: the process would keep connections open that are broken on purpose."""

    def __init__(self, function, *arguments):
        fork = multiprocessing.get_context("fork")
        self.receiver, sender = fork.Pipe(duplex=False)
        self.child = fork.Process(target=self.work, args=(sender, function, arguments), daemon=True)
        self.child.start()
        sender.close()

    @staticmethod
    def work(sender, function, arguments):
        sender.send(function(*arguments))

    def get(self):
        try:
            return self.receiver.recv()
        except EOFError:
            raise RuntimeError("the comparison failed; see above") from None
        finally:
            self.child.join()

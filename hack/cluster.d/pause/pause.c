/* pause.c — the process that holds a pod's namespaces.
 * With shareProcessNamespace it is PID 1 of the pod, so it must reap the orphans of all containers. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void reap(int signal)
{
    (void)signal;
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
}

static void leave(int signal)
{
    (void)signal;
    _exit(0);
}

int main(void)
{
    const struct sigaction on_child = { .sa_handler = reap, .sa_flags = SA_NOCLDSTOP };
    const struct sigaction on_end = { .sa_handler = leave };

    if (sigaction(SIGCHLD, &on_child, NULL) < 0 || sigaction(SIGINT, &on_end, NULL) < 0 ||
        sigaction(SIGTERM, &on_end, NULL) < 0)
        return 1;
    for (;;)
        pause();
}

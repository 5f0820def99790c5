/* Takes SA_RESTART from every handler of the process it is preloaded into, so that each signal makes
   the system call it interrupts fail with EINTR. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>

int sigaction(int number, const struct sigaction *action, struct sigaction *old) {
    int (*next)(int, const struct sigaction *, struct sigaction *) = dlsym(RTLD_NEXT, "sigaction");
    struct sigaction changed;
    if (action) {
        changed = *action;
        changed.sa_flags &= ~SA_RESTART;
        action = &changed;
    }
    return next(number, action, old);
}

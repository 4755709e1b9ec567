/* student.h - Student's t distribution, of any number of degrees of freedom above 0. */
#ifndef STUBMAP_ANALYSIS_STUDENT_H
#define STUBMAP_ANALYSIS_STUDENT_H

/* The chance that |T| is at least |t|. */
double student_tails(double t, double df);
/* The point that T exceeds with the chance `tail`, 0 < tail <= 0.5. */
double student_point(double tail, double df);

#endif
